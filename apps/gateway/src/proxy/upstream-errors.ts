import { DomainError } from '@puerta/contracts/core';

const TIMEOUTS: ReadonlySet<unknown> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** What a client is told of an upstream that did not answer: that it was late, else that it could not be reached. */
export function problemOf(error: Error & { readonly code?: unknown }): DomainError {
  return new DomainError(TIMEOUTS.has(error.code) ? 'upstream_timeout' : 'upstream_unreachable', { cause: error });
}
