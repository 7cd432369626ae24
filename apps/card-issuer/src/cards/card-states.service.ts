import { Injectable } from '@nestjs/common';
import type { Card, CardReasonCommand } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import type { Call } from '@puerta/service';
import { type EntityManager, In } from 'typeorm';
import { CardCodes } from '../codes/card-codes';
import { CardAccess, type CardFilter, issuedBy } from './card-access';
import { REACTIVATE, REVOKE, SUSPEND, type Transition } from './card-transitions';
import { CardWriter, hold, record } from './card-writer';
import { CardEntity } from './card.entity';

/**
 * What may become of a card. Each change is one statement that names the states it starts from, judged by its row
 * count. Asking for the state that the card has already is a `card_state_conflict`; a message delivered again is not.
 */
@Injectable()
export class CardStatesService {
  constructor(
    private readonly access: CardAccess,
    private readonly writer: CardWriter,
    private readonly codes: CardCodes,
  ) {}

  /** @throws DomainError `card_not_found`, `card_state_conflict` */
  async suspend(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.change(SUSPEND, await this.access.issuedByOrHeldBy(dto.card_id, call), dto, call);
  }

  /** @throws DomainError `company_required`, `role_required`, `card_not_found`, `card_state_conflict` */
  reactivate(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.change(REACTIVATE, issuedBy(dto.card_id, call), dto, call);
  }

  /** @throws DomainError `company_required`, `role_required`, `card_not_found`, `card_state_conflict` */
  revoke(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.change(REVOKE, issuedBy(dto.card_id, call), dto, call);
  }

  /**
   * Gives the card a new code: whatever was printed or photographed before opens nothing any more. The new code is made
   * of the new revision, so the card is held first.
   *
   * @throws DomainError `company_required`, `role_required`, `card_not_found`, `card_state_conflict` for a revoked card
   */
  rotate(dto: CardReasonCommand, call: Call): Promise<Card> {
    const filter = issuedBy(dto.card_id, call);
    return this.writer.once(dto, call, async (tx) => {
      const card = await hold(tx, filter);
      if (card.status === 'revoked') throw new DomainError('card_state_conflict');
      const revision = card.revision + 1;
      const changes = { revision, ...this.codes.renew(card.id, revision) };
      await tx.update(CardEntity, { id: card.id }, changes);
      Object.assign(card, changes);
      await record(tx, card, 'rotated', call, dto.reason);
      return card;
    });
  }

  private change(
    { from, to, kind }: Transition,
    filter: CardFilter | undefined,
    dto: CardReasonCommand,
    call: Call,
  ): Promise<Card> {
    return this.writer.once(dto, call, async (tx) => {
      if (!filter) throw new DomainError('card_not_found');
      const startable = filter.map((part) => ({ ...part, status: In(from) }));
      const { affected } = await tx.update(CardEntity, startable, { status: to });
      if (affected !== 1) throw await refusal(tx, filter);
      const card = await tx.findOneByOrFail(CardEntity, filter);
      await record(tx, card, kind, call, dto.reason);
      return card;
    });
  }
}

async function refusal(tx: EntityManager, filter: CardFilter): Promise<DomainError> {
  return new DomainError((await tx.existsBy(CardEntity, filter)) ? 'card_state_conflict' : 'card_not_found');
}
