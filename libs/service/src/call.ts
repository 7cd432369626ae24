import { type Actor, DomainError, isAtLeast, type Role } from '@puerta/contracts/core';
import type { BusContext } from '@puerta/messaging';

/** The message that is being answered. Handlers and services take it last, after what was asked: `issue(dto, call)`. */
export type Call = Pick<BusContext<Actor>, 'caller' | 'actor' | 'messageId' | 'pattern' | 'idempotencyKey'>;

/**
 * The user on whose behalf a message was sent.
 * @throws DomainError `unauthenticated` without one
 */
export function actorOf({ actor }: Pick<Call, 'actor'>): Actor {
  if (!actor) throw new DomainError('unauthenticated');
  return actor;
}

/**
 * The same, if they act in a company in which they have at least that role.
 * @throws DomainError `unauthenticated`, `company_required`, `role_required`
 */
export function memberOf(call: Pick<Call, 'actor'>, least: Role): Actor & { readonly company_id: string } {
  const { company_id, ...actor } = actorOf(call);
  if (company_id === null) throw new DomainError('company_required');
  if (!isAtLeast(actor.role, least)) throw new DomainError('role_required');
  return { ...actor, company_id };
}
