import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import type { Requirement } from '@puerta/auth';
import { DomainError, type ErrorCode, type ErrorMeta } from '@puerta/contracts/core';
import { operationOf, takesKey } from '../routes/operation';
import { isApi, type OwnRoute } from '../routes/routes';
import { ERRORS } from '../problems/catalogue';
import { describeProblem } from '../problems/problem';
import { ANYWHERE, headers, headersOf, headersOfStatus } from './headers';
import { ProblemSchema } from './problem.schema';

type Responses = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];
type Response = NonNullable<Responses[string]>;
type Components = NonNullable<OpenAPIObject['components']>;

/** Every error that a route answers with: its own, and those that follow from what it asks for. */
export function codesOf(route: OwnRoute): ErrorCode[] {
  const { requirement, handler, method, limits, takesBody, file, surface } = route;
  const asks = isApi(route) || surface === 'page' || route.pattern.startsWith('/.well-known/');
  const codes = new Set<ErrorCode>(['bad_request', 'internal', ...(operationOf(handler)?.problems ?? [])]);
  const add = (...more: ErrorCode[]): void => more.forEach((code) => codes.add(code));

  if (limits) add('too_many_requests', 'service_unavailable');
  if (limits && limits.perAddress.length > 0) add('too_many_attempts');
  if (isApi(route)) add('validation_failed');
  if (takesBody) add('payload_too_large', 'unsupported_media_type');
  if (takesBody && !file) add('malformed_json');
  if (asks && method !== 'HEAD') add('service_unavailable', 'overloaded', 'outcome_unknown');
  // Of strangers the body is part of the key.
  if (takesKey(method, handler) && requirement.guard !== 'public') add('idempotency_mismatch');
  add(...guardCodes(requirement));
  return [...codes].sort();
}

/** What refuses a request before it is known which route it is for, or before more of it than that is read. */
const EARLY_CODES: readonly ErrorCode[] = [
  'request_timeout',
  'uri_too_long',
  'headers_too_large',
  'http_version_not_supported',
  // Of a body where none is taken; a route that takes one has these itself.
  'payload_too_large',
  'unsupported_media_type',
  'malformed_json',
];

const TOKEN: readonly ErrorCode[] = [
  'access_token_invalid',
  'access_token_expired',
  'session_revoked',
  'auth_unavailable',
];
const MEMBER: readonly ErrorCode[] = ['company_required', 'not_a_member'];

function guardCodes(requirement: Requirement): readonly ErrorCode[] {
  switch (requirement.guard) {
    case 'public':
      return [];
    case 'optional':
      return TOKEN;
    case 'initial':
      return ['unauthenticated', ...TOKEN];
    case 'strict':
      return [
        'unauthenticated',
        ...TOKEN,
        ...MEMBER,
        ...(requirement.leastRole === 'member' ? [] : (['role_required'] as const)),
      ];
    case 'scan':
      return ['unauthenticated', 'access_token_invalid', 'scan_expired', 'auth_unavailable'];
  }
}

/** The same as OpenAPI responses: one for each status, with the codes it may carry, and one for the early ones. */
export function problemResponses(route: OwnRoute): Responses {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(route)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const page = route.surface === 'page' ? { 'text/html': { schema: { type: 'string' as const } } } : {};
  const responses = [...byStatus].map(([status, codes]) => {
    const { content, ...response } = responseOf(codes);
    const all = { ...headersOf(route), ...headers('Content-Language'), ...headersOfStatus(String(status)) };
    return [String(status), { ...response, headers: all, content: { ...content, ...page } }] as const;
  });
  return { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Refused' } };
}

/** What the responses of these routes refer to, and an example of each code, as the gateway writes it. */
export function problemComponents(routes: readonly OwnRoute[]): Required<Pick<Components, 'examples' | 'responses'>> {
  const codes = [...new Set([...EARLY_CODES, ...routes.flatMap(codesOf)])].sort();
  const { content, ...refused } = responseOf(EARLY_CODES);
  return {
    examples: Object.fromEntries(codes.map((code) => [code, { summary: ERRORS[code].en, value: exampleOf(code) }])),
    responses: {
      Refused: { ...refused, headers: headers(...ANYWHERE, 'Content-Language'), content: content ?? {} },
    },
  };
}

function responseOf(codes: readonly ErrorCode[]): Exclude<Response, { $ref: string }> {
  const described = codes.map((code) => `\`${code}\`: ${ERRORS[code].en}`);
  const schema = {
    allOf: [
      { $ref: getSchemaPath(ProblemSchema) },
      { type: 'object' as const, properties: { code: { type: 'string' as const, enum: [...codes] } } },
    ],
  };
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  return {
    description: described.join('  \n'),
    content: { 'application/problem+json': { schema, examples } },
  };
}

/** Facts that the texts of the examples speak of. */
const META: ErrorMeta = {
  allow: 'GET, HEAD, OPTIONS',
  limit: 65_536,
  retry_after: 2,
  types: 'application/json in UTF-8',
  used_at: '2026-11-21T10:00:02.000Z',
};

function exampleOf(code: ErrorCode): unknown {
  const errors = code === 'validation_failed' ? [{ field: 'holder.name', code: 'required' as const }] : undefined;
  const error = new DomainError(code, { meta: META, ...(errors ? { errors } : {}) });
  const request = {
    requestId: '01a1fc74-d267-721b-a81d-0e89c132b090',
    instance: '/api/v1/cards',
    language: 'en',
  } as const;
  return JSON.parse(describeProblem(error, request, 'https://puerta.example.com').body);
}
