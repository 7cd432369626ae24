import { setTimeout as sleep } from 'node:timers/promises';
import { runMigrations, transaction } from '@puerta/database';
import { createDatabase, type TestDatabase, waitFor } from '@puerta/testing';
import type { DataSource } from 'typeorm';
import { connect, COUNT, COUNT_MORE, type Counted, type CountTo, newJobs, OWNER, TABLE, TIMES } from '../test/counting';
import { WorkerProcess } from '../test/processes';
import type { JobKind } from '../src/job';
import type { Jobs } from '../src/jobs';

let database: TestDatabase;
let dataSource: DataSource;
/** Only asks: all work is done by processes. */
let jobs: Jobs;
const workers: WorkerProcess[] = [];

beforeEach(async () => {
  database = await createDatabase();
  dataSource = await connect(database.url);
  await runMigrations(dataSource);
  await dataSource.query(TABLE);
  jobs = newJobs(dataSource);
});

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.end('SIGKILL')));
  await dataSource.destroy();
  await database.drop();
});

async function startWorkers(count: number): Promise<WorkerProcess[]> {
  const started = await Promise.all(Array.from({ length: count }, () => WorkerProcess.start(database.url)));
  workers.push(...started);
  return started;
}

function enqueue(input: CountTo, kind: JobKind<CountTo, Counted, Counted> = COUNT): Promise<string> {
  return transaction(dataSource, (tx) => jobs.enqueue(tx, kind, input, OWNER));
}

const isDone = async (id: string, kind = COUNT): Promise<boolean> =>
  (await jobs.get(kind, id, OWNER.company_id)).state === 'done';

async function counted(id: string): Promise<number[]> {
  const rows: { item: number }[] = await dataSource.query('SELECT item FROM counted WHERE job_id = $1 ORDER BY seq', [
    id,
  ]);
  return rows.map(({ item }) => item);
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** The process that has written the last number of a job. */
async function runnerOf(id: string): Promise<WorkerProcess> {
  return waitFor(async () => {
    const [row]: { pid: number }[] = await dataSource.query(
      'SELECT pid FROM counted WHERE job_id = $1 ORDER BY seq DESC LIMIT 1',
      [id],
    );
    return workers.find((worker) => worker.pid === row?.pid);
  });
}

it('does every item exactly once and in order, however often the replicas are killed', async () => {
  await startWorkers(2);
  const ids = await Promise.all(upTo(4).map(() => enqueue({ items: 60, wait_ms: 15 })));
  for (let kills = 0; kills < 10; kills++) {
    await sleep(250);
    await workers.shift()?.end('SIGKILL');
    await startWorkers(1);
  }
  for (const id of ids) {
    await waitFor(() => isDone(id), 30_000);
    expect(await counted(id)).toEqual(upTo(60));
    expect(await jobs.get(COUNT, id, OWNER.company_id)).toMatchObject({ done: 60, total: 60, result: { last: 60 } });
  }
}, 90_000);

it('does no step twice when a replica stands still for longer than its lease and wakes', async () => {
  await startWorkers(2);
  const id = await enqueue({ items: 100, wait_ms: 40 });
  for (let frozen = 0; frozen < 2; frozen++) {
    const asleep = await runnerOf(id);
    asleep.freeze();
    const before = (await counted(id)).length;
    await waitFor(async () => (await counted(id)).length > before + 2, 10_000);
    asleep.thaw();
    await sleep(300);
  }
  await waitFor(() => isDone(id), 15_000);
  expect(await counted(id)).toEqual(upTo(100));
}, 60_000);

it('does no step twice when PostgreSQL breaks all connections, again and again', async () => {
  await startWorkers(2);
  const ids = [await enqueue({ items: 60, wait_ms: 10 }), await enqueue({ items: 60, wait_ms: 10 })];
  for (let cuts = 0; cuts < 6; cuts++) {
    await sleep(150);
    await dataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'jobs-test' AND pid <> pg_backend_pid()`,
    );
  }
  for (const id of ids) {
    await waitFor(() => isDone(id), 20_000);
    expect(await counted(id)).toEqual(upTo(60));
  }
}, 60_000);

it('hands a job on at once when its replica ends in good order', async () => {
  await startWorkers(2);
  const id = await enqueue({ items: 60, wait_ms: 50 });
  await waitFor(async () => (await counted(id)).length > 3);
  await (await runnerOf(id)).end('SIGTERM');
  const stopped = Date.now();
  const before = (await counted(id)).length;
  await waitFor(async () => (await counted(id)).length > before);
  expect(Date.now() - stopped).toBeLessThan(TIMES.leaseMs / 2);
  await waitFor(() => isDone(id), 10_000);
  expect(await counted(id)).toEqual(upTo(60));
}, 30_000);

it('shares 1,000 jobs among three replicas: each is done once', async () => {
  await startWorkers(3);
  const ids: string[] = [];
  await transaction(dataSource, async (tx) => {
    for (let n = 0; n < 1_000; n++) ids.push(await jobs.enqueue(tx, COUNT, { items: 1 }, OWNER));
  });
  await waitFor(async () => (await jobsIn('done')) === 1_000, 30_000);
  const rows: { pid: number; n: number }[] = await dataSource.query(
    'SELECT pid, count(*)::int AS n FROM counted GROUP BY pid',
  );
  expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(1_000);
  const [{ distinct }] = (await dataSource.query('SELECT count(DISTINCT job_id)::int AS distinct FROM counted')) as [
    { distinct: number },
  ];
  expect(distinct).toBe(1_000);
  expect(rows).toHaveLength(3);
  expect(Math.min(...rows.map(({ n }) => n))).toBeGreaterThan(100);
}, 60_000);

it('lets no kind wait for another', async () => {
  await startWorkers(1);
  const long = await Promise.all(upTo(3).map(() => enqueue({ items: 40, wait_ms: 50 })));
  await waitFor(async () => (await counted(long[0] ?? '')).length > 0);
  const short = await enqueue({ items: 1 }, COUNT_MORE);
  await waitFor(() => isDone(short, COUNT_MORE));
  expect(await isDone(long[0] ?? '')).toBe(false);
});

async function jobsIn(state: string): Promise<number> {
  const [{ n }] = (await dataSource.query('SELECT count(*)::int AS n FROM jobs WHERE state = $1', [state])) as [
    { n: number },
  ];
  return n;
}
