import { DomainError, foldPassword, passwordFlaw } from '@puerta/contracts';
import { COMMON_PASSWORDS } from './common-passwords';

/**
 * Refuses a password that would be guessed soon. Asked wherever one is chosen.
 *
 * @param field it came in
 * @param context what whoever guesses knows as well: the name and e-mail of the user, the name of their company
 * @throws DomainError `validation_failed`, with the rule it breaks
 */
export function refuseWeakPassword(field: string, password: string, context: readonly string[]): void {
  const code =
    passwordFlaw(password, context) ?? (COMMON_PASSWORDS.has(foldPassword(password)) ? 'common_password' : undefined);
  if (code) throw new DomainError('validation_failed', { errors: [{ field, code }] });
}
