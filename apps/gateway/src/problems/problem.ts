import { bearerChallenge } from '@puerta/auth';
import type { DomainError, ErrorCode } from '@puerta/contracts/core';
import { ERRORS } from './catalogue';
import { describeField, detailOf, type ProblemField } from './details';
import type { Language } from './language';

/** An error as RFC 9457 `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly request_id: string;
  readonly errors?: readonly ProblemField[];
  /** When the token was used. */
  readonly used_at?: string;
}

export interface Occurrence {
  readonly requestId: string;
  /** Path of the request, without its query. */
  readonly instance: string;
  readonly language: Language;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Where the errors are explained to people; a code is an anchor there. */
export const ERRORS_PAGE = '/docs/errors';

/** An answer before it is written: problems leave through Fastify and, where there is no request yet, the socket. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Writes an error down as a problem.
 *
 * @param publicUrl where the gateway is reached; problem types are addresses there.
 */
export function describeProblem(
  error: DomainError,
  { requestId, instance, language }: Occurrence,
  publicUrl: string,
): ProblemAnswer {
  const { status, [language]: title } = ERRORS[error.code];
  const usedAt = error.code === 'token_used' ? error.extra.meta?.['used_at'] : undefined;
  const problem: Problem = {
    type: `${publicUrl}${ERRORS_PAGE}#${error.code}`,
    title,
    status,
    detail: detailOf(error, language) ?? title,
    instance,
    code: error.code,
    request_id: requestId,
    ...(typeof usedAt === 'string' ? { used_at: usedAt } : {}),
    ...(error.extra.errors ? { errors: error.extra.errors.map((one) => describeField(one, language)) } : {}),
  };
  return {
    status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'content-language': language,
      'cache-control': 'no-store',
      ...headersOf(error, status),
    },
    body: JSON.stringify(problem),
  };
}

/** Seconds after which asking again makes sense, where the error itself does not say: services come back quickly. */
const RETRY_AFTER_UNAVAILABLE = 2;

function headersOf({ code, extra: { meta } }: DomainError, status: number): Record<string, string> {
  switch (status) {
    case 401:
      return { 'www-authenticate': bearerChallenge(code) ?? 'Bearer' };
    case 405:
      return { allow: String(meta?.['allow'] ?? '') };
    case 429:
    case 503:
      return { 'retry-after': String(meta?.['retry_after'] ?? RETRY_AFTER_UNAVAILABLE) };
    default:
      return {};
  }
}
