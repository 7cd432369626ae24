import { DomainError, type Page, UUID } from '@puerta/contracts/core';
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** What a list is asked for; `PageQueryDto` fits. */
export interface PageRequest {
  readonly limit?: number | null | undefined;
  readonly cursor?: string | null | undefined;
  readonly count?: boolean | null | undefined;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/**
 * One page of a list in the order of a column of unique UUIDs. Those of version 7 are in the order of time. A page is
 * found by the place in that order and not by counting rows, so that the thousandth page costs what the first does and
 * rows that come meanwhile neither repeat nor hide others.
 * @param by the property of that column
 * @param whole for a condition of which the planner cannot tell how rare it is (the beginning of a word): it is then
 *   looked for by its own index. Otherwise the planner may walk the list in its order until the page is full, which
 *   is to read all of it where there is next to nothing to be found
 * @throws DomainError `validation_failed` when the cursor is not one of ours
 */
export async function paginate<Row extends ObjectLiteral, Item>(
  query: SelectQueryBuilder<Row>,
  request: PageRequest,
  by: keyof Row & string,
  direction: 'ASC' | 'DESC',
  toItem: (row: Row) => Item,
  { whole = false } = {},
): Promise<Page<Item>> {
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? DEFAULT_LIMIT), 1), MAX_LIMIT);
  const total = request.count === true ? { total: await query.clone().getCount() } : {};
  const path = `${query.alias}.${by}`;
  // The same order, and no index has it.
  query.addOrderBy(whole ? `CAST(${path} AS text) COLLATE "C"` : path, direction);
  if (request.cursor != null) {
    query.andWhere(`${path} ${direction === 'ASC' ? '>' : '<'} :cursor`, { cursor: decodeCursor(request.cursor) });
  }
  const rows = await query.take(limit + 1).getMany();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(toItem),
    next_cursor: last === undefined ? null : Buffer.from(String(last[by])).toString('base64url'),
    ...total,
  };
}

/**
 * The id that a page begins behind. A cursor that was made up is refused here, and does not become an error of the
 * database.
 *
 * @throws DomainError `validation_failed`
 */
export function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (UUID.test(id)) return id;
  const field = { field: 'cursor', code: 'bad_format', params: { format: 'next_cursor' } } as const;
  throw new DomainError('validation_failed', { errors: [field] });
}
