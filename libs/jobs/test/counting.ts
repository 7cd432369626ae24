import { setTimeout as sleep } from 'node:timers/promises';
import { dataSourceOptions } from '@puerta/database';
import { Metrics, silentLogger } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { Jobs, jobsMigration } from '../src';
import { type JobHandler, type JobKind, jobKind } from '../src/job';
import type { JobTimes } from '../src/job-worker';

export interface CountTo {
  readonly items: number;
  /** How long a step takes. */
  readonly wait_ms?: number;
}

export interface Counted {
  readonly last: number;
}

type CountKind = JobKind<CountTo, Counted, Counted>;

/** Writes the numbers from 1 on, one a step, into a table that does not mind a number twice: the tests do. */
export const COUNT: CountKind = jobKind('count', 2);
/** The same, as another kind. */
export const COUNT_MORE: CountKind = jobKind('count-more', 1);

/** Short ones: a test has no ten seconds. */
export const TIMES: JobTimes = { leaseMs: 1_000, pollMs: 100, retryMs: 50 };

export const OWNER = {
  user_id: '0199aaaa-0000-7000-8000-000000000001',
  company_id: '0199aaaa-0000-7000-8000-0000000000c1',
};

export const countUp: JobHandler<CountTo, Counted, Counted> = async (task) => {
  let last = task.position?.last ?? 0;
  while (last < task.input.items) {
    const next = last + 1;
    await task.step(async (tx) => {
      await tx.query('INSERT INTO counted (job_id, item, pid) VALUES ($1, $2, $3)', [task.id, next, process.pid]);
      await sleep(task.input.wait_ms ?? 0);
      return { done: next, total: task.input.items, position: { last: next } };
    });
    last = next;
  }
  return { last };
};

export function connect(url: string): Promise<DataSource> {
  const options = { url, schema: 'sample', applicationName: 'jobs-test', entities: [], migrations: [jobsMigration] };
  // As short as the lease: PostgreSQL lets go of a transaction that stands still for twice as long.
  const timeouts = { statementTimeoutMs: TIMES.leaseMs, lockTimeoutMs: TIMES.leaseMs };
  return new DataSource(dataSourceOptions({ ...options, ...timeouts })).initialize();
}

export const TABLE = 'CREATE TABLE counted (seq bigserial PRIMARY KEY, job_id uuid, item int, pid int)';

export function newJobs(
  dataSource: DataSource,
  logger = silentLogger,
  metrics = new Metrics('test'),
  times = TIMES,
): Jobs {
  return new Jobs(dataSource, logger, metrics, times);
}
