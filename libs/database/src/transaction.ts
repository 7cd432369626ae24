import { DomainError } from '@puerta/contracts/core';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { asDomainError, databaseFailure } from './failures';

const committed = new WeakMap<DataSource, () => void>();

/** Has `listener` called after each transaction of this data source that was committed, from now on. */
export function onCommit(dataSource: DataSource, listener: () => void): void {
  const others = committed.get(dataSource);
  committed.set(dataSource, () => {
    others?.();
    listener();
  });
}

/** Wakes who listens to commits: for a statement that was a transaction by itself. */
export function committedAlone(dataSource: DataSource): void {
  committed.get(dataSource)?.();
}

const afterwards = new WeakMap<QueryRunner, (() => void)[]>();

/**
 * Has something done as soon as the transaction is committed, and not if it is undone. If nobody knows which, it is not
 * done either: what depends on it must be found in another way as well. It must not throw.
 */
export function afterCommit(tx: EntityManager, work: () => void): void {
  if (tx.queryRunner === undefined) throw new TypeError('there is no transaction');
  afterwards.set(tx.queryRunner, [...(afterwards.get(tx.queryRunner) ?? []), work]);
}

/**
 * Runs `work` in one transaction. Unlike TypeORM's own, it knows what a lost connection means: before COMMIT was sent
 * nothing has happened (`service_unavailable`); while it was being answered nobody can tell (`outcome_unknown`).
 * @throws what `work` throws, after rolling back; DomainError for failures of the database that are nobody's mistake
 */
export async function transaction<T>(dataSource: DataSource, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    const result = await beforeCommit(runner, work);
    await commit(runner);
    committed.get(dataSource)?.();
    for (const work of afterwards.get(runner) ?? []) work();
    return result;
  } finally {
    await runner.release();
  }
}

async function beforeCommit<T>(runner: QueryRunner, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  try {
    await runner.startTransaction();
    return await work(runner.manager);
  } catch (error) {
    // TypeORM releases a runner whose connection is lost; the server has then rolled back by itself.
    const lost = runner.isReleased || databaseFailure(error) === 'outcome_unknown';
    await runner.rollbackTransaction().catch(() => undefined);
    if (!lost || error instanceof DomainError) throw asDomainError(error);
    throw new DomainError('service_unavailable', { cause: error });
  }
}

async function commit(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) throw new DomainError('service_unavailable');
  try {
    await runner.commitTransaction();
  } catch (error) {
    const failure = databaseFailure(error);
    // Even an orderly shutdown may reach us in place of the answer to a COMMIT that was done.
    throw failure === undefined || failure === 'overloaded'
      ? asDomainError(error)
      : new DomainError('outcome_unknown', { cause: error });
  }
}
