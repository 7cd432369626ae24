import { DomainError } from '@puerta/contracts';

/**
 * Checks a time zone against the IANA names that this Node knows. Offsets such as +02:00, which newer ones accept too,
 * are no places: they know nothing of summer time.
 * @throws DomainError `validation_failed`
 */
export function requireTimeZone(name: string): void {
  if (/^[A-Za-z]/.test(name) && isKnown(name)) return;
  throw new DomainError('validation_failed', {
    errors: [{ field: 'time_zone', code: 'bad_format', params: { format: 'IANA time zone' } }],
  });
}

function isKnown(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}
