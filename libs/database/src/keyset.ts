import { DomainError, type Page } from '@puerta/contracts/core';
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** What a list is asked for; `PageQueryDto` fits. */
export interface PageRequest {
  readonly limit?: number | null | undefined;
  readonly cursor?: string | null | undefined;
  readonly count?: boolean | null | undefined;
}

type KeyValue = string | number;
type Kind = 'uuid' | 'timestamp' | 'integer' | 'text';

/**
 * One column of the order of a list. The columns together must be unique (end with the id), and none may be null.
 * Timestamps must be `timestamptz(3)`: a cursor has the milliseconds of JavaScript, and finer ones would skip rows.
 */
export interface KeyColumn<Row> {
  /** As the query builder names it: `card.issuedAt`. */
  readonly path: string;
  readonly kind: Kind;
  readonly of: (row: Row) => KeyValue | Date;
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_CURSOR = 512;

/**
 * One page of a list, found by the place in its order and not by counting rows, so that the thousandth page costs what
 * the first does and rows that come meanwhile neither repeat nor hide others.
 * @param direction of all columns
 * @throws DomainError `validation_failed` when the cursor is not one of ours
 */
export async function paginate<Row extends ObjectLiteral, Item>(
  query: SelectQueryBuilder<Row>,
  request: PageRequest,
  { columns, direction }: { columns: readonly KeyColumn<Row>[]; direction: 'ASC' | 'DESC' },
  toItem: (row: Row) => Item,
): Promise<Page<Item>> {
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? DEFAULT_LIMIT), 1), MAX_LIMIT);
  const total = request.count === true ? { total: await query.clone().getCount() } : {};
  for (const { path } of columns) query.addOrderBy(path, direction);
  if (request.cursor != null)
    after(
      query,
      columns,
      direction,
      decodeCursor(
        request.cursor,
        columns.map((c) => c.kind),
      ),
    );
  const rows = await query.take(limit + 1).getMany();
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(toItem),
    next_cursor: last === undefined ? null : encodeCursor(columns.map((column) => column.of(last))),
    ...total,
  };
}

function after<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  columns: readonly KeyColumn<Row>[],
  direction: 'ASC' | 'DESC',
  values: readonly KeyValue[],
): void {
  const paths = columns.map(({ path }) => path).join(', ');
  const names = values.map((_value, index) => `:cursor_${index}`).join(', ');
  const parameters = Object.fromEntries(values.map((value, index) => [`cursor_${index}`, value]));
  query.andWhere(`(${paths}) ${direction === 'ASC' ? '>' : '<'} (${names})`, parameters);
}

/** The place after a row, for whoever lists. Opaque to callers; it holds nothing that the row did not show. */
export function encodeCursor(values: readonly (KeyValue | Date)[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

const FORMS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  uuid: (value) => typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  timestamp: (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  integer: (value) => Number.isSafeInteger(value),
  text: (value) => typeof value === 'string' && !value.includes('\0'),
};

/**
 * Reads a cursor back. Its values go into SQL as parameters; their form is checked so that a made-up one is refused and
 * does not become an error of the database.
 * @throws DomainError `validation_failed`
 */
export function decodeCursor(cursor: string, kinds: readonly Kind[]): KeyValue[] {
  const values = cursor.length > MAX_CURSOR ? undefined : parseArray(Buffer.from(cursor, 'base64url').toString('utf8'));
  const fits = values?.length === kinds.length && kinds.every((kind, index) => FORMS[kind](values[index]));
  if (values === undefined || !fits) {
    const field = { field: 'cursor', code: 'bad_format', params: { format: 'next_cursor' } } as const;
    throw new DomainError('validation_failed', { errors: [field] });
  }
  return values as KeyValue[];
}

function parseArray(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
