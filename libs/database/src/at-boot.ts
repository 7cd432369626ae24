import { setTimeout as sleep } from 'node:timers/promises';
import { databaseFailure } from './failures';

/** For half a minute: PostgreSQL may be starting too, or be restarted just now. */
export const BOOT_RETRY = { retryAttempts: 30, retryDelay: 1_000 } as const;

/**
 * What an app asks of PostgreSQL when it starts, tried as often as connecting is: a connection may be lost right after it was made.
 *
 * @param work may be done again
 * @throws what it throws that has nothing to do with the connection, or the last time
 */
export async function atBoot<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt > BOOT_RETRY.retryAttempts || databaseFailure(error) === undefined) throw error;
      await sleep(BOOT_RETRY.retryDelay);
    }
  }
}
