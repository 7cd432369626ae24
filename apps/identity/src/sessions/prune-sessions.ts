import { Pruner } from '@puerta/database';
import { DataSource } from 'typeorm';
import { rowsOf } from '../sql';

const BATCH = 1_000;

/** Forgets sessions a day after they ended, with all their spent refresh tokens. One that is not there has ended too. */
export const sessionPruner = {
  provide: Pruner,
  inject: [DataSource],
  useFactory: (dataSource: DataSource) => new Pruner('ended sessions', () => pruneSessions(dataSource)),
};

/** @returns whether there may be more than the batch that was forgotten */
export async function pruneSessions({ manager }: DataSource): Promise<boolean> {
  const pruned = await rowsOf(
    manager,
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE least(expires_at, revoked_at) < now() - interval '1 day'
        LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [BATCH],
  );
  return pruned.length === BATCH;
}
