import { type Actor, DomainError, isAtLeast } from '@puerta/contracts/core';
import type { InboxCall } from '@puerta/database';
import type { FindOptionsWhere } from 'typeorm';
import type { CardEntity } from './card.entity';

/** A message sent on behalf of a user. */
export interface Call extends InboxCall {
  readonly actor: Actor;
}

/** @throws DomainError `unauthenticated` when the message is sent on nobody's behalf */
export function callOf(context: InboxCall & { readonly actor?: Actor | undefined }): Call {
  if (!context.actor) throw new DomainError('unauthenticated');
  return context as Call;
}

/**
 * The company that the actor issues cards for.
 *
 * @throws DomainError `company_required`, `role_required`
 */
export function issuingCompany(actor: Actor): string {
  if (actor.company_id === null) throw new DomainError('company_required');
  if (!isAtLeast(actor.role, 'issuer')) throw new DomainError('role_required');
  return actor.company_id;
}

/** Which cards a statement is about: what it is given as its WHERE, the parts joined by OR. */
export type CardFilter = FindOptionsWhere<CardEntity>[];

/** The card of this id, if the actor issues cards for its company. @throws as `issuingCompany` */
export function issuedBy(actor: Actor, id: string): CardFilter {
  return [{ id, companyId: issuingCompany(actor) }];
}

/** The card of this id, if the actor issues cards for its company or holds the card, in whichever company. */
export function issuedByOrHeldBy(actor: Actor, id: string): CardFilter {
  const held = { id, holderUserId: actor.user_id };
  const issues = actor.company_id !== null && isAtLeast(actor.role, 'issuer');
  return issues ? [{ id, companyId: actor.company_id }, held] : [held];
}
