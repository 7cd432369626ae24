import { DomainError, refusalOfValidity } from '@puerta/contracts/core';

/**
 * Until when a card is made valid: a time ahead, or null for no end.
 *
 * @throws DomainError `validation_failed` for a time that has passed or is more than 50 years off
 */
export function validUntil(time: string | null | undefined): Date | null {
  if (time == null) return null;
  const until = new Date(time);
  const refusal = refusalOfValidity('valid_until', until);
  if (refusal) throw new DomainError('validation_failed', { errors: [refusal] });
  return until;
}
