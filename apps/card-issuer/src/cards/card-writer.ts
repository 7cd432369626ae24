import { Injectable } from '@nestjs/common';
import type { Card } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import { Inbox, publishAll } from '@puerta/database';
import { actorOf, type Call } from '@puerta/service';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CardAccess, type CardFilter } from './card-access';
import { CardEventEntity, type CardEventKind } from './card-event.entity';
import { CardEntity } from './card.entity';
import { CardView } from './card-view';

/** How every change of a card is written: once for each message, in one transaction with its line of history. */
@Injectable()
export class CardWriter {
  constructor(
    private readonly inbox: Inbox,
    private readonly access: CardAccess,
    private readonly view: CardView,
  ) {}

  /**
   * @param effect changes a card in the transaction and gives it as it is then
   * @returns the card as this change left it, also to whoever asks again with the same Idempotency-Key: what the card
   *   is now, after changes of others, is seen by reading it. A redelivery without a key, or one whose answer is lost,
   *   gets the card as it is now.
   * @throws DomainError `card_not_found` for such a one by who may not see the card any more; what `effect` throws
   */
  once(request: object, call: Call, effect: (tx: EntityManager) => Promise<CardEntity>): Promise<Card> {
    const change = async (tx: EntityManager) => {
      const card = await effect(tx);
      return { reference: { card_id: card.id }, answer: await this.view.of(card) };
    };
    return this.inbox.answer(request, call, change, async ({ card_id: id }) =>
      this.view.of(await this.access.find(id, call)),
    );
  }
}

/** Writes a line of the card's history, and publishes it to the activity trail under the same id. */
export async function record(
  tx: EntityManager,
  card: CardEntity,
  kind: CardEventKind,
  call: Call,
  reason: string | null = null,
): Promise<void> {
  await recordAll(tx, [card], kind, actorOf(call).user_id, reason);
}

/** The same for each of several cards. */
export async function recordAll(
  tx: EntityManager,
  cards: readonly CardEntity[],
  kind: CardEventKind,
  actorUserId: string,
  reason: string | null,
): Promise<void> {
  const at = new Date();
  const lines = cards.map(({ id: cardId, companyId, revision }) => ({ id: uuidv7(), cardId, companyId, revision }));
  await tx.insert(
    CardEventEntity,
    lines.map(({ id, cardId, revision }) => ({ id, cardId, kind, revision, actorUserId, reason, at })),
  );
  await publishAll(
    tx,
    'activity',
    lines.map(({ id, cardId, companyId }) => ({
      id,
      kind: `card.${kind}` as const,
      at: at.toISOString(),
      actor_user_id: actorUserId,
      company_id: companyId,
      subject_id: cardId,
    })),
  );
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
