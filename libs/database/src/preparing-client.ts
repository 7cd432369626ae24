import { Client, type QueryConfig } from 'pg';

/** Far more than any service has. Statements that are made up without end must not fill the memory of PostgreSQL. */
const MOST = 500;

/** The same in all connections of a process, by the text of the statement. */
const names = new Map<string, string>();

/**
 * A connection that prepares each statement the first time, so that PostgreSQL parses and plans it once and not for each
 * execution: that is half of what a short query costs it (measured: 0.5 against 0.25 ms of CPU for `users.me`).
 *
 * A prepared statement fails once its result has other columns than when it was prepared: name columns, and no `*`.
 */
export class PreparingClient extends Client {
  /** TypeORM gives a text and, for statements with parameters, their values. */
  override query(text: unknown, values?: unknown, ...rest: unknown[]): never {
    const name = typeof text === 'string' && Array.isArray(values) ? nameOf(text) : undefined;
    const config = (name === undefined ? text : { name, text }) as QueryConfig;
    return super.query(config, values as unknown[], ...(rest as [])) as never;
  }
}

function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MOST) return known;
  const name = `s${names.size}`;
  names.set(text, name);
  return name;
}
