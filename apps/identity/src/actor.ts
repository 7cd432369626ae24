import { type Actor, DomainError, isAtLeast, type Role } from '@puerta/contracts';
import { actorOf, type Call } from '@puerta/service';

/**
 * The user on whose behalf a message was sent, if they act in that company and administer it.
 * @throws DomainError `company_not_found` for any other company, so that nobody learns which exist; `role_required`
 */
export function administratorOf(companyId: string, call: Call): Actor & { readonly role: Role } {
  const { role, ...actor } = actorOf(call);
  if (actor.company_id !== companyId) throw new DomainError('company_not_found');
  if (role === null || !isAtLeast(role, 'admin')) throw new DomainError('role_required');
  return { ...actor, role };
}
