import { type Actor, DomainError } from '@puerta/contracts/core';
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
