import { DomainError } from '@puerta/contracts';

/**
 * Refuses null in a patch of fields that cannot be empty: an absent field stays as it is, and null would mean to clear
 * it.
 * @throws DomainError `validation_failed` with every such field
 */
export function refuseNull<T extends object>(patch: T): { [K in keyof T]: Exclude<T[K], null> } {
  const nulls = Object.entries(patch).filter(([, value]) => value === null);
  if (nulls.length > 0) {
    throw new DomainError('validation_failed', { errors: nulls.map(([field]) => ({ field, code: 'required' })) });
  }
  return patch as { [K in keyof T]: Exclude<T[K], null> };
}
