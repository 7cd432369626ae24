import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '@puerta/contracts/core';

/**
 * What a request says of how long its body is, before any of it is read.
 *
 * @param limit most bytes
 * @throws DomainError `bad_request`, `payload_too_large`
 */
export function checkLength(headers: IncomingHttpHeaders, limit: number): void {
  const length = headers['content-length'];
  if (length === undefined) return;
  if (!/^\d{1,15}$/.test(length)) throw new DomainError('bad_request');
  if (Number(length) > limit) throw tooLarge(limit);
}

/** Whether a request has a body: its framing says so (RFC 9112 6.3). */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}

/** @param limit most bytes, which the problem tells */
export function tooLarge(limit: number): DomainError {
  return new DomainError('payload_too_large', { meta: { limit } });
}
