import { getSchemaPath, type OpenAPIObject } from '@nestjs/swagger';
import type { Requirement } from '@puerta/auth';
import type { ErrorCode } from '@puerta/contracts/core';
import { problemsOf } from '../routes/operation';
import { isApi, type Route } from '../routes/routes';
import { IDEMPOTENT_BY_KEY } from '../http/sender';
import { ERRORS } from '../problems/catalogue';
import { ProblemSchema } from './problem.schema';

type Responses = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];

/** Every error that a route answers with: its own, and those that follow from what it asks for. */
export function codesOf(route: Route): ErrorCode[] {
  const { requirement, handler, method, limits, takesBody, file, surface } = route;
  const asks = isApi(route) || surface === 'page' || route.pattern.startsWith('/.well-known/');
  const codes = new Set<ErrorCode>(['internal', ...(problemsOf(handler) ?? [])]);
  const add = (...more: ErrorCode[]): void => more.forEach((code) => codes.add(code));

  if (limits) add('too_many_requests', 'service_unavailable');
  if (limits && limits.length > 0) add('too_many_attempts');
  if (isApi(route)) add('validation_failed');
  if (takesBody) add('payload_too_large', 'unsupported_media_type');
  if (takesBody && !file) add('malformed_json');
  if (asks && method !== 'HEAD') add('service_unavailable', 'overloaded', 'outcome_unknown');
  // Of strangers the body is part of the key.
  if (IDEMPOTENT_BY_KEY.includes(method) && requirement.guard !== 'public') add('idempotency_mismatch');
  add(...guardCodes(requirement));
  return [...codes].sort();
}

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

/** The same as OpenAPI responses: one for each status, with the codes it may carry. */
export function problemResponses(route: Route): Responses {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codesOf(route)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [String(status), response(codes)]));
}

function response(codes: readonly ErrorCode[]): NonNullable<Responses[string]> {
  const described = codes.map((code) => `\`${code}\`: ${ERRORS[code].en}`);
  const schema = {
    allOf: [
      { $ref: getSchemaPath(ProblemSchema) },
      { type: 'object', properties: { code: { type: 'string', enum: [...codes] } } },
    ],
  };
  return { description: described.join('  \n'), content: { 'application/problem+json': { schema } } };
}
