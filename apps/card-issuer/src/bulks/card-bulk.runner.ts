import { Injectable } from '@nestjs/common';
import type { BulkSkipped } from '@puerta/contracts';
import { Jobs, type JobTask, type Progress } from '@puerta/jobs';
import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { cardsOf } from '../cards/card-filter';
import { REVOKE, SUSPEND } from '../cards/card-transitions';
import { recordAll } from '../cards/card-writer';
import { CardEntity } from '../cards/card.entity';
import { BEGINNING, type BulkCounts, type BulkInput, type BulkPosition, CARD_BULK } from './card-bulk';

/** How many cards one transaction changes, and holds. */
const BATCH = 100;

type Task = JobTask<BulkInput, BulkPosition>;

/** The cards of one step: those that were found, and how many were looked for. */
interface Batch {
  readonly cards: readonly CardEntity[];
  readonly size: number;
  readonly last: string | undefined;
}

/**
 * Does a command to many cards, in the order of their ids, a hundred in a transaction. Each card ends as if the
 * command had been for it alone: changed, with its line of history, or skipped. Whether the filter matches it is decided
 * when its turn comes.
 */
@Injectable()
export class CardBulkRunner {
  constructor(jobs: Jobs) {
    jobs.handle(CARD_BULK, (task) => run(task));
  }
}

async function run(task: Task): Promise<BulkCounts> {
  let at = task.position ?? BEGINNING;
  while (at.left) {
    const from = at;
    ({ position: at } = await task.step((tx) => step(tx, task, from)));
  }
  return { changed: at.changed, skipped: at.skipped };
}

async function step(
  tx: EntityManager,
  { companyId, userId, input }: Task,
  at: BulkPosition,
): Promise<Progress<BulkPosition>> {
  const company = String(companyId);
  const total = at.total ?? input.card_ids?.length ?? (await meant(tx, company, input).getCount());
  const batch = await next(tx, company, input, at.after);
  const verdicts = batch.cards.map((card) => ({ card, verdict: judge(card, input) }));
  const changing = verdicts.filter(({ verdict }) => verdict === 'change').map(({ card }) => card);
  if (changing.length > 0 && !input.dry_run) await change(tx, changing, input, userId);

  const skipped = { ...at.skipped, card_not_found: at.skipped.card_not_found + batch.size - batch.cards.length };
  for (const { verdict } of verdicts) if (verdict !== 'change') skipped[verdict] += 1;
  const changed = at.changed + changing.length;
  const left = batch.size > 0;
  const done = changed + Object.values(skipped).reduce((sum, count) => sum + count, 0);
  const position = { after: batch.last ?? at.after, total, left, changed, skipped };
  return { done, total: left ? Math.max(total, done) : done, position };
}

/** Holds the next cards until the transaction ends, in the order that all who hold several keep. */
async function next(tx: EntityManager, companyId: string, input: BulkInput, after: string): Promise<Batch> {
  const ids = input.card_ids?.filter((id) => id > after).slice(0, BATCH);
  if (ids?.length === 0) return { cards: [], size: 0, last: undefined };
  const query = meant(tx, companyId, input).orderBy('card.id').setLock('for_no_key_update');
  if (ids) query.andWhere('card.id IN (:...ids)', { ids });
  else query.andWhere('card.id > :after', { after }).limit(BATCH);
  const cards = await query.getMany();
  return { cards, size: ids?.length ?? cards.length, last: ids?.at(-1) ?? cards.at(-1)?.id };
}

function meant(
  tx: EntityManager,
  companyId: string,
  { filter, as_of: asOf }: BulkInput,
): SelectQueryBuilder<CardEntity> {
  return cardsOf(tx, companyId, filter ?? {}).andWhere('card.issuedAt <= :asOf', { asOf });
}

/** What the same command for this card alone would come to. */
function judge(
  card: CardEntity,
  { action, valid_until: validUntil }: BulkInput,
): 'change' | Exclude<keyof BulkSkipped, 'card_not_found'> {
  if (action !== 'renew') {
    const { from } = action === 'suspend' ? SUSPEND : REVOKE;
    return from.includes(card.status) ? 'change' : 'card_state_conflict';
  }
  if (card.status === 'revoked') return 'card_state_conflict';
  return card.validUntil?.toISOString() === validUntil ? 'unchanged' : 'change';
}

async function change(
  tx: EntityManager,
  cards: readonly CardEntity[],
  input: BulkInput,
  userId: string,
): Promise<void> {
  const these = { id: In(cards.map(({ id }) => id)) };
  if (input.action === 'renew') {
    await tx.update(CardEntity, these, { validUntil: new Date(String(input.valid_until)) });
    return recordAll(tx, cards, 'updated', userId, input.reason);
  }
  const { to, kind } = input.action === 'suspend' ? SUSPEND : REVOKE;
  await tx.update(CardEntity, these, { status: to });
  return recordAll(tx, cards, kind, userId, input.reason);
}
