import { setTimeout as sleep } from 'node:timers/promises';
import { runMigrations, transaction } from '@puerta/database';
import { createDatabase, type TestDatabase, waitFor } from '@puerta/testing';
import type { DataSource } from 'typeorm';
import { connect, COUNT, COUNT_MORE, type Counted, type CountTo, newJobs, OWNER, TABLE, TIMES } from '../test/counting';
import { WorkerProcess } from '../test/processes';
import type { JobKind } from '../src/job';
import type { Jobs } from '../src/jobs';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** A database of a test's own, and the processes that do its jobs. */
class Installation {
  readonly workers: WorkerProcess[] = [];

  private constructor(
    private readonly database: TestDatabase,
    readonly dataSource: DataSource,
    /** Only asks: all work is done by processes. */
    readonly jobs: Jobs,
  ) {}

  static async start(): Promise<Installation> {
    const database = await createDatabase();
    const dataSource = await connect(database.url);
    await runMigrations(dataSource);
    await dataSource.query(TABLE);
    return new Installation(database, dataSource, newJobs(dataSource));
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.end('SIGKILL')));
    await this.dataSource.destroy();
    await this.database.drop();
  }

  async startWorkers(count: number): Promise<void> {
    this.workers.push(...(await Promise.all(upTo(count).map(() => WorkerProcess.start(this.database.url)))));
  }

  enqueue(input: CountTo, kind: JobKind<CountTo, Counted, Counted> = COUNT): Promise<string> {
    return transaction(this.dataSource, (tx) => this.jobs.enqueue(tx, kind, input, OWNER));
  }

  async isDone(id: string, kind = COUNT): Promise<boolean> {
    return (await this.jobs.get(kind, id, OWNER.company_id)).state === 'done';
  }

  async counted(id: string): Promise<number[]> {
    const rows: { item: number }[] = await this.dataSource.query(
      'SELECT item FROM counted WHERE job_id = $1 ORDER BY seq',
      [id],
    );
    return rows.map(({ item }) => item);
  }

  /** The process that has written the last number of a job. */
  runnerOf(id: string): Promise<WorkerProcess> {
    return waitFor(async () => {
      const [row]: { pid: number }[] = await this.dataSource.query(
        'SELECT pid FROM counted WHERE job_id = $1 ORDER BY seq DESC LIMIT 1',
        [id],
      );
      return this.workers.find((worker) => worker.pid === row?.pid);
    });
  }

  async jobsIn(state: string): Promise<number> {
    const [{ n }] = (await this.dataSource.query('SELECT count(*)::int AS n FROM jobs WHERE state = $1', [state])) as [
      { n: number },
    ];
    return n;
  }
}

const inInstallation = (test: (all: Installation) => Promise<void>) => async (): Promise<void> => {
  const all = await Installation.start();
  try {
    await test(all);
  } finally {
    await all.stop();
  }
};

it.concurrent(
  'does every item exactly once and in order, however often the replicas are killed',
  inInstallation(async (all) => {
    await all.startWorkers(2);
    const ids = await Promise.all(upTo(4).map(() => all.enqueue({ items: 60, wait_ms: 15 })));
    for (let kills = 0; kills < 10; kills++) {
      await sleep(250);
      await all.workers.shift()?.end('SIGKILL');
      await all.startWorkers(1);
    }
    for (const id of ids) {
      await waitFor(() => all.isDone(id), 30_000);
      expect(await all.counted(id)).toEqual(upTo(60));
      expect(await all.jobs.get(COUNT, id, OWNER.company_id)).toMatchObject({
        done: 60,
        total: 60,
        result: { last: 60 },
      });
    }
  }),
  90_000,
);

it.concurrent(
  'does no step twice when a replica stands still for longer than its lease and wakes',
  inInstallation(async (all) => {
    await all.startWorkers(2);
    const id = await all.enqueue({ items: 100, wait_ms: 40 });
    for (let frozen = 0; frozen < 2; frozen++) {
      const asleep = await all.runnerOf(id);
      asleep.freeze();
      const before = (await all.counted(id)).length;
      await waitFor(async () => (await all.counted(id)).length > before + 2, 10_000);
      asleep.thaw();
      await sleep(300);
    }
    await waitFor(() => all.isDone(id), 15_000);
    expect(await all.counted(id)).toEqual(upTo(100));
  }),
  60_000,
);

it.concurrent(
  'does no step twice when PostgreSQL breaks all connections, again and again',
  inInstallation(async (all) => {
    await all.startWorkers(2);
    const ids = [await all.enqueue({ items: 60, wait_ms: 10 }), await all.enqueue({ items: 60, wait_ms: 10 })];
    for (let cuts = 0; cuts < 6; cuts++) {
      await sleep(150);
      await all.dataSource.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'jobs-test' AND pid <> pg_backend_pid()`,
      );
    }
    for (const id of ids) {
      await waitFor(() => all.isDone(id), 20_000);
      expect(await all.counted(id)).toEqual(upTo(60));
    }
  }),
  60_000,
);

it(
  'hands a job on at once when its replica ends in good order',
  inInstallation(async (all) => {
    await all.startWorkers(2);
    const id = await all.enqueue({ items: 60, wait_ms: 50 });
    await waitFor(async () => (await all.counted(id)).length > 3);
    await (await all.runnerOf(id)).end('SIGTERM');
    const stopped = Date.now();
    const before = (await all.counted(id)).length;
    await waitFor(async () => (await all.counted(id)).length > before);
    expect(Date.now() - stopped).toBeLessThan(TIMES.leaseMs / 2);
    await waitFor(() => all.isDone(id), 10_000);
    expect(await all.counted(id)).toEqual(upTo(60));
  }),
  30_000,
);

it(
  'shares 1,000 jobs among three replicas: each is done once',
  inInstallation(async (all) => {
    await all.startWorkers(3);
    const ids: string[] = [];
    await transaction(all.dataSource, async (tx) => {
      for (let n = 0; n < 1_000; n++) ids.push(await all.jobs.enqueue(tx, COUNT, { items: 1 }, OWNER));
    });
    await waitFor(async () => (await all.jobsIn('done')) === 1_000, 30_000);
    const rows: { pid: number; n: number }[] = await all.dataSource.query(
      'SELECT pid, count(*)::int AS n FROM counted GROUP BY pid',
    );
    expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(1_000);
    const [{ distinct }] = (await all.dataSource.query(
      'SELECT count(DISTINCT job_id)::int AS distinct FROM counted',
    )) as [{ distinct: number }];
    expect(distinct).toBe(1_000);
    expect(rows).toHaveLength(3);
    expect(Math.min(...rows.map(({ n }) => n))).toBeGreaterThan(100);
  }),
  60_000,
);

it.concurrent(
  'lets no kind wait for another',
  inInstallation(async (all) => {
    await all.startWorkers(1);
    const long = await Promise.all(upTo(3).map(() => all.enqueue({ items: 40, wait_ms: 50 })));
    await waitFor(async () => (await all.counted(long[0] ?? '')).length > 0);
    const short = await all.enqueue({ items: 1 }, COUNT_MORE);
    await waitFor(() => all.isDone(short, COUNT_MORE));
    expect(await all.isDone(long[0] ?? '')).toBe(false);
  }),
);
