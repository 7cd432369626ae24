import type { ListCardsDto } from '@puerta/contracts';
import type { Page } from '@puerta/contracts/core';
import { decodeCursor, paginate } from '@puerta/database';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { cardsOf } from './card-filter';
import type { CardEntity } from './card.entity';

/** So many cards are read through in some milliseconds. */
const NEAR = 2_000;

/**
 * A page of a company's cards, the newest first. What somebody types is in one card of a million, or in all ("26-"), and
 * nobody knows before: so it is looked for among the next two thousand cards, and where that does not fill the page, by
 * the index of words among all.
 *
 * @throws DomainError `validation_failed` for a cursor that is none
 */
export async function listCards(em: EntityManager, companyId: string, query: ListCardsDto): Promise<Page<CardEntity>> {
  const cards = (): SelectQueryBuilder<CardEntity> => cardsOf(em, companyId, query);
  if (query.q == null) return paginate(cards(), query, 'id', 'DESC', (card) => card);

  const edge = await edgeOfNear(em, companyId, query.cursor);
  const near = edge === undefined ? cards() : cards().andWhere('card.id > :edge', { edge });
  const page = await paginate(near, { ...query, count: false }, 'id', 'DESC', (card) => card);
  const settled = edge === undefined || page.next_cursor !== null;
  if (!settled) return paginate(cards(), query, 'id', 'DESC', (card) => card, { whole: true });
  return query.count === true ? { ...page, total: await cards().getCount() } : page;
}

/** The card behind the next two thousand of the company; undefined where there are no more. */
async function edgeOfNear(em: EntityManager, companyId: string, cursor?: string | null): Promise<string | undefined> {
  const cards = cardsOf(em, companyId, {}).select('card.id').orderBy('card.id', 'DESC').offset(NEAR).limit(1);
  if (cursor != null) cards.andWhere('card.id < :cursor', { cursor: decodeCursor(cursor) });
  return (await cards.getOne())?.id;
}
