import { DomainError } from '@puerta/contracts/core';

/** Nothing is wrong with the request or the set-up; it may work again later. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EBUSY', 'EAGAIN', 'ESTALE', 'ETIMEDOUT'];

/** Whether there is no such file. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

/** `service_unavailable` for what the file system may do at another time; everything else as it is. */
export function asDomainError(error: unknown): unknown {
  return PASSING.includes(codeOf(error)) ? new DomainError('service_unavailable', { cause: error }) : error;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}
