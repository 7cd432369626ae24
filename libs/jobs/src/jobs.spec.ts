import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { DomainError } from '@puerta/contracts/core';
import { runMigrations, transaction } from '@puerta/database';
import { type LogFields, Metrics, silentLogger } from '@puerta/observability';
import { createDatabase, type TestDatabase, waitFor } from '@puerta/testing';
import type { DataSource } from 'typeorm';
import { connect, COUNT, countUp, newJobs, OWNER, TABLE, TIMES } from '../test/counting';
import { type Job, type JobHandler, jobKind, type JobKind } from './job';
import { JobStore } from './job-store';
import type { Jobs } from './jobs';

type Any = Record<string, unknown>;
type AnyJob = Job<Any, Any, Any>;

let database: TestDatabase;
let dataSource: DataSource;
let jobs: Jobs;
let metrics: Metrics;
const errors: LogFields[] = [];
const logger = { ...silentLogger, error: (_message: string, fields?: LogFields) => void errors.push(fields ?? {}) };

beforeAll(async () => {
  database = await createDatabase();
  dataSource = await connect(database.url);
  await runMigrations(dataSource);
  await dataSource.query(TABLE);
});

beforeEach(() => {
  metrics = new Metrics('test');
  jobs = newJobs(dataSource, logger, metrics);
});

afterEach(async () => {
  await jobs.onModuleDestroy();
  await dataSource.query('DELETE FROM jobs');
  errors.length = 0;
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

let kinds = 0;

/** A kind of its own, done by this handler. */
function kindOf(handler: JobHandler<Any, Any, Any>, concurrency = 1): JobKind<Any, Any, Any> {
  const kind = jobKind<Any, Any, Any>(`kind-${(kinds += 1)}`, concurrency);
  jobs.handle(kind, handler);
  return kind;
}

const enqueue = (kind: JobKind<Any, Any, Any>, input: Any = {}, actor = OWNER): Promise<string> =>
  transaction(dataSource, (tx) => jobs.enqueue(tx, kind, input, actor));
const get = (kind: JobKind<Any, Any, Any>, id: string): Promise<AnyJob> => jobs.get(kind, id, OWNER.company_id);
const inState = (kind: JobKind<Any, Any, Any>, id: string, state: string): Promise<AnyJob> =>
  waitFor(async () => {
    const job = await get(kind, id);
    return job.state === state && job;
  });
const sample = async (name: string): Promise<string> =>
  (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n');

describe('a job', () => {
  it('tells where it stands while it runs, and what came of it', async () => {
    let goOn = (): void => undefined;
    const kind = kindOf(async (task) => {
      await task.step(async () => ({ done: 3, total: 7, position: { at: 3 } }));
      await new Promise<void>((resolve) => (goOn = resolve));
      return { sum: 7 };
    });
    const id = await enqueue(kind, { what: 'it' });
    expect(await get(kind, id)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      state: 'queued',
      input: { what: 'it' },
      position: null,
      done: 0,
      total: null,
      result: null,
      errorCode: null,
      createdAt: expect.any(Date),
      startedAt: null,
      finishedAt: null,
    });
    jobs.onApplicationBootstrap();
    await waitFor(async () => (await get(kind, id)).done === 3);
    expect(await get(kind, id)).toMatchObject({ state: 'running', total: 7, position: { at: 3 }, finishedAt: null });
    goOn();
    expect(await inState(kind, id, 'done')).toMatchObject({ result: { sum: 7 }, finishedAt: expect.any(Date) });
  });

  it('exists exactly when its cause does', async () => {
    const kind = kindOf(async () => ({}));
    jobs.onApplicationBootstrap();
    let id = '';
    const undone = transaction(dataSource, async (tx) => {
      id = await jobs.enqueue(tx, kind, {}, OWNER);
      throw new DomainError('forbidden');
    });
    await expect(undone).rejects.toMatchObject({ code: 'forbidden' });
    await expect(get(kind, id)).rejects.toMatchObject({ code: 'job_not_found' });
    await expect(jobs.enqueue(dataSource.manager, kind, {}, OWNER)).rejects.toThrow('there is no transaction');
  });

  it('begins at once where it was asked for, without waiting to be found', async () => {
    const patient = newJobs(dataSource, silentLogger, new Metrics('test'), { ...TIMES, pollMs: 60_000 });
    const kind = jobKind<Any, Any, Any>('patient', 1);
    patient.handle(kind, async () => ({}));
    patient.onApplicationBootstrap();
    await sleep(200);
    const id = await transaction(dataSource, (tx) => patient.enqueue(tx, kind, {}, OWNER));
    await inState(kind, id, 'done');
    await patient.onModuleDestroy();
  });

  it('is none of another company, nor of another kind', async () => {
    const [kind, other] = [kindOf(async () => ({})), kindOf(async () => ({}))];
    const id = await enqueue(kind);
    for (const ask of [
      jobs.get(kind, id, randomUUID()),
      jobs.get(kind, id, null),
      jobs.get(other, id, OWNER.company_id),
      jobs.cancel(kind, id, randomUUID()),
      jobs.get(kind, randomUUID(), OWNER.company_id),
    ])
      await expect(ask).rejects.toMatchObject({ code: 'job_not_found' });
    expect((await get(kind, id)).state).toBe('queued');
  });

  it('that is refused fails with that code, at once', async () => {
    let runs = 0;
    const kind = kindOf(async () => {
      runs += 1;
      throw new DomainError('company_not_found');
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    expect(await inState(kind, id, 'failed')).toMatchObject({ errorCode: 'company_not_found', result: null });
    expect(runs).toBe(1);
    expect(errors).toEqual([]);
  });

  it('that breaks is tried again after longer and longer pauses, and then fails as internal, which is logged', async () => {
    const at: number[] = [];
    const kind = kindOf(async () => {
      at.push(performance.now());
      throw new TypeError('a bug');
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    const failed = waitFor(async () => (await get(kind, id)).state === 'failed', 20_000);
    await waitFor(() => at.length === 4, 10_000);
    await dataSource.query('UPDATE jobs SET attempts = 7 WHERE id = $1', [id]);
    await failed;
    expect(await get(kind, id)).toMatchObject({ errorCode: 'internal' });
    expect(at.length).toBeLessThanOrEqual(5);
    expect((at[3] ?? 0) - (at[2] ?? 0)).toBeGreaterThan(TIMES.retryMs * 2);
    expect(errors).toEqual([expect.objectContaining({ job_id: id, job_kind: kind.name, code: 'internal' })]);
  });

  it('that fails because somebody else was not there is tried again', async () => {
    let runs = 0;
    const kind = kindOf(async () => {
      runs += 1;
      if (runs < 3) throw new DomainError('service_unavailable');
      return { runs };
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    expect(await inState(kind, id, 'done')).toMatchObject({ result: { runs: 3 } });
  });

  it('that gets on is not given up, however often it breaks', async () => {
    const kind = kindOf(async (task) => {
      const at = Number(task.position?.['at'] ?? 0) + 1;
      await task.step(async () => ({ done: at, total: null, position: { at } }));
      if (at < 12) throw new Error('once more');
      return { at };
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    const done = await waitFor(async () => (await get(kind, id)).state === 'done', 15_000);
    expect(done).toBe(true);
    expect(errors).toEqual([]);
  });

  it('that kills whoever takes it is given up, unrun', async () => {
    let runs = 0;
    const kind = kindOf(async () => {
      runs += 1;
      return {};
    });
    const id = await enqueue(kind);
    await dataSource.query('UPDATE jobs SET attempts = 8 WHERE id = $1', [id]);
    jobs.onApplicationBootstrap();
    expect(await inState(kind, id, 'failed')).toMatchObject({ errorCode: 'internal' });
    expect(runs).toBe(0);
  });
});

describe('a step', () => {
  const write = (item: number) => (tx: { query(sql: string, values: unknown[]): Promise<unknown> }) =>
    tx.query('INSERT INTO counted (item) VALUES ($1)', [item]);
  const written = async (item: number): Promise<number> =>
    ((await dataSource.query('SELECT 1 FROM counted WHERE item = $1', [item])) as unknown[]).length;
  const progress = { done: 1, total: 1, position: { at: 1 } };

  it('of a job that was cancelled meanwhile is undone, and the handler is told', async () => {
    let reason: unknown;
    const kind = kindOf(async (task) => {
      await task
        .step(async (tx) => {
          await write(901)(tx);
          await jobs.cancel(kind, task.id, OWNER.company_id);
          return progress;
        })
        .catch((error: unknown) => {
          reason = error;
          throw error;
        });
      return {};
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    const job = await inState(kind, id, 'cancelled');
    await waitFor(() => reason);
    expect(reason).toMatchObject({ name: 'JobInterrupted' });
    expect(job).toMatchObject({ done: 0, position: null, result: null });
    expect(await written(901)).toBe(0);
    expect((await jobs.cancel(kind, id, OWNER.company_id)).state).toBe('cancelled');
  });

  it('of a job that another has taken is undone', async () => {
    let step: Promise<unknown> = Promise.resolve();
    const kind = kindOf(async (task) => {
      if (task.position !== null) return {};
      step = task.step(async (tx) => {
        await write(902)(tx);
        await dataSource.query('UPDATE jobs SET owner = $2 WHERE id = $1', [task.id, randomUUID()]);
        return progress;
      });
      await step;
      return {};
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    await waitFor(async () => (await get(kind, id)).state === 'running');
    await waitFor(() =>
      step.then(
        () => false,
        () => true,
      ),
    );
    expect(await written(902)).toBe(0);
    await jobs.cancel(kind, id, OWNER.company_id);
  });

  it('that fails is undone and ends the run: the next one goes on from what was committed', async () => {
    let runs = 0;
    const outcomes: unknown[] = [];
    const kind = kindOf(async (task) => {
      runs += 1;
      if (runs > 1) return { from: task.position };
      await task.step(async (tx) => {
        await write(903)(tx);
        return progress;
      });
      const broken = task.step(async (tx) => {
        await write(904)(tx);
        throw new Error('x');
      });
      outcomes.push(await broken.catch(String));
      outcomes.push(await task.step(async () => progress).catch(String));
      throw new Error('y');
    });
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    expect(await inState(kind, id, 'done')).toMatchObject({ result: { from: { at: 1 } } });
    expect(outcomes).toEqual(['Error: x', 'Error: a step cannot begin: one has failed']);
    expect([await written(903), await written(904)]).toEqual([1, 0]);
  });

  it('comes after the one before', async () => {
    const outcomes: unknown[] = [];
    const kind = kindOf(async (task) => {
      const one = task.step(async () => {
        await sleep(50);
        return progress;
      });
      outcomes.push(await task.step(async () => progress).catch(String));
      await one;
      return {};
    });
    jobs.onApplicationBootstrap();
    await inState(kind, await enqueue(kind), 'done');
    expect(outcomes).toEqual(['Error: a step cannot begin: one is running']);
  });

  it('may take longer than a lease', async () => {
    let runs = 0;
    const kind = kindOf(async (task) => {
      runs += 1;
      await task.step(async (tx) => {
        for (let n = 0; n < 4; n++) await tx.query('SELECT pg_sleep(0.5)');
        return progress;
      });
      return {};
    });
    const other = newJobs(dataSource);
    other.handle(kind, async () => ({ stolen: true }));
    jobs.onApplicationBootstrap();
    const id = await enqueue(kind);
    await waitFor(() => runs === 1);
    other.onApplicationBootstrap();
    expect(await inState(kind, id, 'done')).toMatchObject({ result: {} });
    expect(runs).toBe(1);
    await other.onModuleDestroy();
  });
});

describe('several', () => {
  it('run at once, as many as the kind allows', async () => {
    let [now, most] = [0, 0];
    const kind = kindOf(async () => {
      most = Math.max(most, (now += 1));
      await sleep(20);
      now -= 1;
      return {};
    }, 3);
    jobs.onApplicationBootstrap();
    const ids = await Promise.all(Array.from({ length: 12 }, () => enqueue(kind)));
    await waitFor(async () =>
      (await Promise.all(ids.map((id) => get(kind, id)))).every(({ state }) => state === 'done'),
    );
    expect(most).toBe(3);
  });

  it('of one company leave room for another, and use all of it when nobody else waits', async () => {
    const order: unknown[] = [];
    const kind = kindOf(async (task) => {
      order.push(task.input['n']);
      await sleep(100);
      return {};
    }, 2);
    for (let n = 0; n < 6; n++) await enqueue(kind, { n });
    const other = { ...OWNER, company_id: randomUUID() };
    await enqueue(kind, { n: 'other' }, other);
    jobs.onApplicationBootstrap();
    await waitFor(() => order.length === 7);
    expect(order.slice(0, 2)).toEqual([0, 'other']);
    expect(order.slice(2)).toEqual([1, 2, 3, 4, 5]);
  });

  it('are counted: what waits, what runs, how long, and how they ended', async () => {
    const kind = kindOf(async (task) => {
      if (task.input['refused'] === true) throw new DomainError('forbidden');
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve));
      throw task.signal.reason;
    });
    const refused = await enqueue(kind, { refused: true });
    jobs.onApplicationBootstrap();
    await inState(kind, refused, 'failed');
    const running = await enqueue(kind);
    await inState(kind, running, 'running');
    await enqueue(kind);
    expect(await sample('puerta_jobs{')).toBe(
      `puerta_jobs{kind="${kind.name}",state="queued",service="test"} 1\n` +
        `puerta_jobs{kind="${kind.name}",state="running",service="test"} 1`,
    );
    await sleep(50);
    expect(Number((await sample('puerta_jobs_oldest_seconds')).split(' ').at(-1))).toBeGreaterThan(0.04);
    await jobs.cancel(kind, running, OWNER.company_id);
    await waitFor(async () => (await sample('puerta_jobs_ended_total')).includes('outcome="interrupted"'));
    expect(await sample('puerta_jobs_ended_total')).toContain(
      `{kind="${kind.name}",outcome="failed",service="test"} 1`,
    );
    expect(await sample('puerta_jobs_ended_total')).toContain(`outcome="cancelled",service="test"} 1`);
  });

  it('that ended long ago are forgotten', async () => {
    const store = new JobStore(dataSource, 1_000);
    await dataSource.query(
      `INSERT INTO jobs (id, kind, actor_user_id, input, state, result, finished_at)
       SELECT gen_random_uuid(), 'old', gen_random_uuid(), '{}', 'done', '{}', now() - make_interval(days => d)
         FROM generate_series(1, 60) AS d`,
    );
    expect(await store.prune()).toBe(false);
    const [{ n }] = (await dataSource.query(`SELECT count(*)::int AS n FROM jobs WHERE kind = 'old'`)) as [
      { n: number },
    ];
    expect(n).toBe(29);
  });
});

describe('shutting down', () => {
  it('hands back what runs as it stands, and lets nothing begin', async () => {
    const kind = kindOf(countUp as unknown as JobHandler<Any, Any, Any>);
    jobs.onApplicationBootstrap();
    const [first, second] = [await enqueue(kind, { items: 1_000, wait_ms: 5 }), await enqueue(kind, { items: 1 })];
    await waitFor(async () => (await get(kind, first)).done > 2);
    await jobs.onModuleDestroy();
    const stopped = await get(kind, first);
    expect(stopped).toMatchObject({ state: 'queued', position: { last: stopped.done } });
    expect((await get(kind, second)).state).toBe('queued');
    const [row] = await dataSource.query('SELECT attempts, owner, lease_until FROM jobs WHERE id = $1', [first]);
    expect(row).toEqual({ attempts: 0, owner: null, lease_until: null });
    const [{ last }] = (await dataSource.query('SELECT max(item) AS last FROM counted WHERE job_id = $1', [first])) as [
      { last: number },
    ];
    expect(last).toBe(stopped.done);
  });

  it('waits a bounded time for a handler that does not listen', async () => {
    const kind = kindOf(() => new Promise(() => undefined));
    jobs.onApplicationBootstrap();
    await inState(kind, await enqueue(kind), 'running');
    const began = performance.now();
    await jobs.onModuleDestroy();
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

it('refuses two handlers of one kind', () => {
  jobs.handle(COUNT, countUp);
  expect(() => jobs.handle(COUNT, countUp)).toThrow('two handlers for jobs of kind count');
});
