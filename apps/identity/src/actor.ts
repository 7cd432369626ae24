import { type Actor, DomainError, isAtLeast, type Role } from '@puerta/contracts';
import type { BusContext } from '@puerta/messaging';

/** What a handler is told about its message, with the user it came for, if it came for one. */
export type Context = BusContext<Actor>;

/**
 * The user on whose behalf a message came.
 * @throws DomainError `unauthenticated` without one
 */
export function actorOf(context: Context): Actor {
  if (!context.actor) throw new DomainError('unauthenticated');
  return context.actor;
}

/**
 * The same, if they act in that company and administer it.
 * @throws DomainError `company_not_found` for any other company, so that nobody learns which exist; `role_required`
 */
export function administratorOf(companyId: string, context: Context): Actor & { readonly role: Role } {
  const { role, ...actor } = actorOf(context);
  if (actor.company_id !== companyId) throw new DomainError('company_not_found');
  if (role === null || !isAtLeast(role, 'admin')) throw new DomainError('role_required');
  return { ...actor, role };
}
