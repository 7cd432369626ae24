import { DomainError } from '@puerta/contracts/core';

const TIMEOUTS: ReadonlySet<unknown> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** Of a service that cannot be reached, or closed the connection instead of answering. */
const CONNECTION_FAILURES: ReadonlySet<unknown> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Whether a request may be sent again, if it means the same sent once or twice. */
export function isConnectionFailure({ code }: Error & { readonly code?: unknown }): boolean {
  return CONNECTION_FAILURES.has(code);
}

/** What a client is told of an upstream that did not answer: that it was late, else that it could not be reached. */
export function problemOf(error: Error & { readonly code?: unknown }): DomainError {
  return new DomainError(TIMEOUTS.has(error.code) ? 'upstream_timeout' : 'upstream_unreachable', { cause: error });
}
