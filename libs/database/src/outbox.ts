import type { Events, EventType } from '@puerta/contracts/core';
import type { DataSource, EntityManager } from 'typeorm';
import { committedAlone } from './transaction';

/**
 * Tells others of a change: once `tx` is committed, and not otherwise. The event is a row that is written in the
 * transaction of the change, so that there is never one without the other; an `OutboxRelay` hands it on and deletes it.
 */
export async function publish<T extends EventType>(tx: EntityManager, type: T, data: Events[T]): Promise<void> {
  await publishAll(tx, type, [data]);
}

/** The same of several, in their order. */
export async function publishAll<T extends EventType>(
  tx: EntityManager,
  type: T,
  events: readonly Events[T][],
): Promise<void> {
  const data = events.map((event) => JSON.stringify(event));
  await tx.query('INSERT INTO outbox (type, data) SELECT $1, unnest($2::jsonb[])', [type, data]);
  if (tx.queryRunner === undefined) committedAlone(tx.connection);
}

/** How much there is to publish. */
export interface OutboxState {
  readonly rows: number;
  /** Since the oldest of them was written; 0 when there is none. */
  readonly oldestSeconds: number;
}

export async function outboxState(dataSource: DataSource): Promise<OutboxState> {
  const [state] = await dataSource.query<[OutboxState]>(
    `SELECT count(*)::float8 AS rows,
            coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "oldestSeconds"
       FROM outbox`,
  );
  return state;
}
