import { type CardFilterDto, type CardStatus, readableEmail } from '@puerta/contracts';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { searchQuery } from './card-search';
import { CardEntity } from './card.entity';

/** The cards of a company that a filter names; without one, all of them. */
export function cardsOf(
  em: EntityManager,
  companyId: string,
  { status, unit, q }: CardFilterDto,
): SelectQueryBuilder<CardEntity> {
  const cards = em.createQueryBuilder(CardEntity, 'card').where('card.companyId = :companyId', { companyId });
  if (status != null) whereStatus(cards, status);
  if (unit != null) cards.andWhere('card.holder.unit = :unit', { unit });
  if (q != null) whereFound(cards, q);
  return cards;
}

/** The same as `statusOf` says of each card. */
function whereStatus(cards: SelectQueryBuilder<CardEntity>, status: CardStatus): void {
  cards.andWhere('card.status = :kept', { kept: status === 'expired' ? 'active' : status });
  if (status === 'active') cards.andWhere('(card.validUntil IS NULL OR card.validUntil > :now)', { now: new Date() });
  if (status === 'expired') cards.andWhere('card.validUntil <= :now', { now: new Date() });
}

function whereFound(cards: SelectQueryBuilder<CardEntity>, typed: string): void {
  // E-mails are kept as they read, however they were given.
  const words = searchQuery(typed.replace(/\S+@\S+/gu, readableEmail));
  if (words === undefined) cards.andWhere('FALSE');
  else cards.andWhere('array_to_tsvector(card.searchWords) @@ CAST(:words AS tsquery)', { words });
}
