import { isAtLeast } from '@puerta/contracts/core';
import { actorOf, type Call, memberOf } from '@puerta/service';
import type { FindOptionsWhere } from 'typeorm';
import type { CardEntity } from './card.entity';

/**
 * The company that the actor issues cards for.
 *
 * @throws DomainError `unauthenticated`, `company_required`, `role_required`
 */
export function issuingCompany(call: Call): string {
  return memberOf(call, 'issuer').company_id;
}

/** Which cards a statement is about: what it is given as its WHERE, the parts joined by OR. */
export type CardFilter = FindOptionsWhere<CardEntity>[];

/** The card of this id, if the actor issues cards for its company. @throws as `issuingCompany` */
export function issuedBy(id: string, call: Call): CardFilter {
  return [{ id, companyId: issuingCompany(call) }];
}

/** The card of this id, if the actor issues cards for its company or holds the card, in whichever company. */
export function issuedByOrHeldBy(id: string, call: Call): CardFilter {
  const actor = actorOf(call);
  const held = { id, holder: { user_id: actor.user_id } };
  const issues = actor.company_id !== null && isAtLeast(actor.role, 'issuer');
  return issues ? [{ id, companyId: actor.company_id }, held] : [held];
}
