import { DomainError } from '@puerta/contracts/core';

/** As much as the library's errors have in common. */
interface Failure {
  readonly name?: string;
  /** Of every question that was asked; without a status nobody answered it. */
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Whether the bucket has no such file. That the bucket itself is missing is something else. */
export function isMissing(error: unknown): boolean {
  const { name, $metadata } = failureOf(error);
  return name === 'NoSuchKey' || (name === 'NotFound' && $metadata?.httpStatusCode === 404);
}

/**
 * `service_unavailable` when nobody answered, or who answered cannot now. Everything else, such as access denied, as it
 * is: the request is not to blame, and trying again does not help.
 */
export function asDomainError(error: unknown): unknown {
  return isPassing(failureOf(error)) ? new DomainError('service_unavailable', { cause: error }) : error;
}

/** The failure of an attempt, as one after which the library makes no other. */
export function asLast(error: unknown): unknown {
  const { $metadata: { httpStatusCode: status } = {} } = failureOf(error);
  if (status !== undefined && status !== 429 && status < 500) return error;
  return Object.assign(new Error('too late to try again', { cause: error }), { name: 'AbortError' });
}

function isPassing({ name = '', $metadata }: Failure): boolean {
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) return status === 429 || status >= 500;
  return $metadata !== undefined || ['TimeoutError', 'AbortError'].includes(name);
}

function failureOf(error: unknown): Failure {
  return (error ?? {}) as Failure;
}
