import type { Events, EventType } from '@puerta/contracts/core';
import type { DataSource, EntityManager } from 'typeorm';

/** How much there is to tell. */
export interface OutboxState {
  readonly rows: number;
  /** Since the oldest of them was written; 0 when there is none. */
  readonly oldestSeconds: number;
}

/**
 * What a service has to tell others. An event is a row that is written in the transaction of the change that it tells
 * of, so that there is never one without the other; an `OutboxRelay` hands it on and deletes it.
 */
export class Outbox {
  constructor(private readonly dataSource: DataSource) {}

  /** Tells of a change, once and if `tx` is committed. */
  async add<T extends EventType>(tx: EntityManager, type: T, data: Events[T]): Promise<void> {
    await tx.query('INSERT INTO outbox (type, data) VALUES ($1, $2)', [type, JSON.stringify(data)]);
  }

  async state(): Promise<OutboxState> {
    const [state] = await this.dataSource.query<[OutboxState]>(
      `SELECT count(*)::float8 AS rows,
              coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "oldestSeconds"
         FROM outbox`,
    );
    return state;
  }
}
