import { Injectable } from '@nestjs/common';
import type { Card, CardIdDto, CardPage, IssueCardDto, ListCardsDto, UpdateCardCommand } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import type { Call } from '@puerta/service';
import { DataSource, type EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CardCodes } from '../codes/card-codes';
import { CardAccess, issuedBy, issuingCompany } from './card-access';
import { withChanges } from './card-holder';
import { listCards } from './card-list';
import { cardNumber, skipTaken, takeSerial } from './card-numbers';
import { searchWords } from './card-search';
import { validUntil } from './card-validity';
import { CardView } from './card-view';
import { CardWriter, hold, record } from './card-writer';
import { CardEntity } from './card.entity';

/** Issues, finds and corrects cards. */
@Injectable()
export class CardsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly access: CardAccess,
    private readonly writer: CardWriter,
    private readonly codes: CardCodes,
    private readonly view: CardView,
  ) {}

  /**
   * Issues a card for the actor's company, under the number asked for or the next free one of this year (UTC).
   *
   * @throws DomainError `company_required`, `role_required`, `card_number_taken`, `validation_failed` for a holder who is
   *   no active member of the company, or an end that is not ahead
   */
  async issue(dto: IssueCardDto, call: Call): Promise<Card> {
    const companyId = issuingCompany(call);
    const refusal = await this.access.refusalOfHolder(dto.holder.user_id, companyId);
    return this.writer.once(dto, call, async (tx) => {
      if (refusal) throw refusal;
      const card = await (dto.number == null
        ? this.insertNext(tx, companyId, dto)
        : this.insertAs(tx, companyId, dto, dto.number));
      await record(tx, card, 'issued', call);
      return card;
    });
  }

  /** @throws DomainError `card_not_found`, also for who neither issues for its company nor holds it */
  async get(dto: CardIdDto, call: Call): Promise<Card> {
    return this.view.of(await this.access.find(dto.card_id, call));
  }

  /**
   * Cards of the actor's company, newest first.
   *
   * @throws DomainError `company_required`, `role_required`, `validation_failed` for a cursor that is none
   */
  async list(query: ListCardsDto, call: Call): Promise<CardPage> {
    const page = await listCards(this.dataSource.manager, issuingCompany(call), query);
    return { ...page, items: await Promise.all(page.items.map((card) => this.view.of(card))) };
  }

  /**
   * Corrects a card: what is absent stays, null clears.
   *
   * @throws DomainError `company_required`, `role_required`, `card_not_found`, `validation_failed` for no name, a new holder
   *   who is no active member of the company, or a new end that is not ahead
   */
  async update(dto: UpdateCardCommand, call: Call): Promise<Card> {
    const filter = issuedBy(dto.card_id, call);
    if (dto.holder === null) throw cannotClear('holder');
    if (dto.holder?.name === null) throw cannotClear('holder.name');
    const refusal = await this.access.refusalOfHolder(dto.holder?.user_id, issuingCompany(call));
    return this.writer.once(dto, call, async (tx) => {
      const card = await hold(tx, filter);
      if (refusal && dto.holder?.user_id !== card.holder.user_id) throw refusal;
      const changes = changesIn(dto, card);
      if (Object.keys(changes).length === 0) return card;
      Object.assign(card, changes);
      card.searchWords = searchWords(card);
      await tx.update(CardEntity, { id: card.id }, { ...changes, searchWords: card.searchWords });
      await record(tx, card, 'updated', call);
      return card;
    });
  }

  private async insertAs(tx: EntityManager, companyId: string, dto: IssueCardDto, number: string): Promise<CardEntity> {
    const card = this.draft(companyId, dto, number);
    if (!(await insertIfFree(tx, card))) throw new DomainError('card_number_taken');
    return card;
  }

  private async insertNext(tx: EntityManager, companyId: string, dto: IssueCardDto): Promise<CardEntity> {
    const year = new Date().getUTCFullYear();
    let serial = await takeSerial(tx, companyId, year);
    for (;;) {
      const card = this.draft(companyId, dto, cardNumber(year, serial));
      if (await insertIfFree(tx, card)) return card;
      serial = await skipTaken(tx, companyId, year, serial);
    }
  }

  /** A new card that is not written yet. Ids are made in the order of numbers, so that newest first is both. */
  private draft(companyId: string, { holder, valid_until }: IssueCardDto, number: string): CardEntity {
    const id = uuidv7();
    const card = Object.assign(new CardEntity(), {
      id,
      companyId,
      number,
      status: 'active' as const,
      holder: withChanges({}, holder),
      validUntil: validUntil(valid_until),
      issuedAt: new Date(),
      revision: 1,
      photoKey: null,
      ...this.codes.renew(id, 1),
    });
    card.searchWords = searchWords(card);
    return card;
  }
}

/** @returns false, having written nothing, when the company has a card of that number */
async function insertIfFree(tx: EntityManager, card: CardEntity): Promise<boolean> {
  const { raw } = await tx
    .createQueryBuilder()
    .insert()
    .into(CardEntity)
    .values(card)
    .orIgnore()
    .updateEntity(false)
    .returning('id')
    .execute();
  return (raw as unknown[]).length === 1;
}

function changesIn({ holder, valid_until }: UpdateCardCommand, card: CardEntity): Partial<CardEntity> {
  const changes: Partial<CardEntity> = {};
  if (Object.values(holder ?? {}).some((value) => value !== undefined))
    changes.holder = withChanges(card.holder, holder ?? {});
  // The same time again is no change, also when it has passed.
  if (valid_until !== undefined && valid_until !== (card.validUntil?.toISOString() ?? null))
    changes.validUntil = validUntil(valid_until);
  return changes;
}

function cannotClear(field: string): DomainError {
  return new DomainError('validation_failed', { errors: [{ field, code: 'required' }] });
}
