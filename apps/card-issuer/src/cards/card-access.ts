import { Injectable } from '@nestjs/common';
import { identityContract } from '@puerta/contracts';
import { type Actor, DomainError, isAtLeast } from '@puerta/contracts/core';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { actorOf, type Call, memberOf } from '@puerta/service';
import { DataSource, type FindOptionsWhere } from 'typeorm';
import { CardEntity } from './card.entity';

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

/**
 * Who may use which card. Who is a member of which company only identity knows: it is asked, and never in a
 * transaction. So a card's holder is one for as long as they are an active member of its company, whatever their id was
 * written into, and whenever; one who is removed while a card is issued to them holds nothing.
 */
@Injectable()
export class CardAccess {
  constructor(
    private readonly dataSource: DataSource,
    @InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>,
  ) {}

  /**
   * The card of this id, for who issues cards for its company, and for who holds it and is an active member there,
   * whichever company they act in.
   *
   * @throws DomainError `unauthenticated`; `card_not_found`
   */
  async find(id: string, call: Call): Promise<CardEntity> {
    const card = await this.look(id, call);
    if (!card) throw new DomainError('card_not_found');
    return card;
  }

  /**
   * The same card for a statement, if it is still of that company, and of that holder, when the statement runs.
   *
   * @returns undefined for who may not: for a transaction to refuse, so that who asks again gets the answer of then
   */
  async issuedByOrHeldBy(id: string, call: Call): Promise<CardFilter | undefined> {
    const actor = actorOf(call);
    const card = await this.look(id, call);
    if (!card) return undefined;
    const { companyId } = card;
    return [{ id, companyId, ...(issuesFor(actor, card) ? {} : { holder: { user_id: actor.user_id } }) }];
  }

  /**
   * Why a user cannot be the holder of a company's card. It is found before a transaction, for that to throw: who asks
   * again for a card that was issued gets the answer of then.
   *
   * @returns the same for a stranger and for who never was; undefined for an active member, and for no user
   */
  async refusalOfHolder(userId: string | null | undefined, companyId: string): Promise<DomainError | undefined> {
    if (userId == null) return undefined;
    const { active } = await this.identity.request('memberships.check', { user_id: userId, company_id: companyId });
    if (active) return undefined;
    return new DomainError('validation_failed', { errors: [{ field: 'holder.user_id', code: 'no_such_member' }] });
  }

  private async look(id: string, call: Call): Promise<CardEntity | undefined> {
    const actor = actorOf(call);
    const issued = issues(actor) ? [{ id, companyId: actor.company_id }] : [];
    const held = { id, holder: { user_id: actor.user_id } };
    const card = await this.dataSource.manager.findOneBy(CardEntity, [...issued, held]);
    const may = card && (issuesFor(actor, card) || (await this.isMember(actor, card.companyId)));
    return may ? card : undefined;
  }

  private async isMember(actor: Actor, companyId: string): Promise<boolean> {
    // The gateway has read this role for this request.
    if (actor.company_id === companyId && actor.role !== null) return true;
    const facts = { user_id: actor.user_id, company_id: companyId };
    return (await this.identity.request('memberships.check', facts)).active;
  }
}

function issues(actor: Actor): actor is Actor & { readonly company_id: string } {
  return actor.company_id !== null && isAtLeast(actor.role, 'issuer');
}

function issuesFor(actor: Actor, { companyId }: CardEntity): boolean {
  return issues(actor) && actor.company_id === companyId;
}
