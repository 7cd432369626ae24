import { actorOf, type Call } from '@puerta/service';
import type { Owner, TokenKey } from './token-key';

/**
 * Whose tokens a call is about. The space is the caller's name, which no message can say of itself: so what HTTP asks for
 * is never a token of identity's or of the card-issuer's.
 *
 * @throws DomainError `unauthenticated` when the gateway asks for nobody
 */
export function ownerOf(call: Call): Owner {
  const { caller } = call;
  if (caller !== 'gateway') return { space: caller, id: caller };
  const actor = actorOf(call);
  const id = actor.company_id === null ? `user ${actor.user_id}` : `company ${actor.company_id}`;
  return { space: caller, id };
}

/** Who made a token. */
export function makerOf({ caller, actor }: Call): string {
  return caller === 'gateway' && actor ? actor.user_id : caller;
}

/** The same for the same call: redelivered, or asked again under the same Idempotency-Key by the same user. */
export function consumerOf(key: TokenKey, owner: Owner, { actor, messageId, idempotencyKey }: Call): string {
  const same = idempotencyKey === undefined ? ['message', messageId] : ['key', actor?.user_id ?? null, idempotencyKey];
  return key.name('consumer', owner, ...same);
}
