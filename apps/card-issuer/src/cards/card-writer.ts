import { Injectable } from '@nestjs/common';
import type { Card } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import { Inbox, tell } from '@puerta/database';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CardCodes } from '../codes/card-codes';
import { type Call, type CardFilter, issuedByOrHeldBy } from './card-access';
import { CardEventEntity, type CardEventKind } from './card-event.entity';
import { CardEntity } from './card.entity';
import { toCard } from './card-view';

/** How every change of a card is written: once for each message, in one transaction with its line of history. */
@Injectable()
export class CardWriter {
  constructor(
    private readonly dataSource: DataSource,
    private readonly inbox: Inbox,
    private readonly codes: CardCodes,
  ) {}

  /**
   * @param effect changes a card in the transaction and gives it as it is then
   * @returns the card as this change left it. A redelivery or a repeated Idempotency-Key changes nothing and gets the
   *   card as it is now: where it was rotated again meanwhile, a code that works and not the one that died.
   * @throws DomainError `card_not_found` for a repetition by who may not see the card any more; what `effect` throws
   */
  async once(call: Call, request: object, effect: (tx: EntityManager) => Promise<CardEntity>): Promise<Card> {
    let changed: CardEntity | undefined;
    const { reference } = await this.inbox.once(call, request, async (tx) => {
      changed = await effect(tx);
      return { card_id: changed.id };
    });
    const visible = issuedByOrHeldBy(call.actor, reference.card_id);
    const card = changed ?? (await this.dataSource.manager.findOneBy(CardEntity, visible));
    if (!card) throw new DomainError('card_not_found');
    return toCard(card, this.codes);
  }
}

/** Writes a line of the card's history, and has it told to the activity trail under the same id. */
export async function record(
  tx: EntityManager,
  card: CardEntity,
  kind: CardEventKind,
  call: Call,
  reason: string | null = null,
): Promise<void> {
  const { id: cardId, companyId, revision } = card;
  const [id, at] = [uuidv7(), new Date()];
  await tx.insert(CardEventEntity, {
    id,
    cardId,
    kind,
    revision,
    actorUserId: call.actor.user_id,
    reason,
    at,
  });
  await tell(tx, 'activity', {
    id,
    kind: `card.${kind}`,
    at: at.toISOString(),
    actor_user_id: call.actor.user_id,
    company_id: companyId,
    subject_id: cardId,
  });
}

/**
 * Reads a card whose new values depend on the present ones, and holds it until the transaction ends. Scans, which refer
 * to it, do not wait.
 *
 * @throws DomainError `card_not_found`
 */
export async function hold(tx: EntityManager, filter: CardFilter): Promise<CardEntity> {
  const card = await tx.findOne(CardEntity, { where: filter, lock: { mode: 'for_no_key_update' } });
  if (!card) throw new DomainError('card_not_found');
  return card;
}
