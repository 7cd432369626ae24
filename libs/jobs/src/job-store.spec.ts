import { randomUUID } from 'node:crypto';
import { DomainError } from '@puerta/contracts/core';
import { runMigrations, transaction } from '@puerta/database';
import { createDatabase, type TestDatabase } from '@puerta/testing';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { connect, OWNER, TABLE } from '../test/counting';
import { type Claimed, JobStore } from './job-store';

const KIND = 'modelled';

let database: TestDatabase;
let dataSource: DataSource;
let store: JobStore;

beforeAll(async () => {
  database = await createDatabase();
  dataSource = await connect(database.url);
  await runMigrations(dataSource);
  await dataSource.query(TABLE);
  // A lease that ends only when the test says so.
  store = new JobStore(dataSource, 3_600_000);
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

interface ModelJob {
  readonly id: string;
  state: string;
  owner: string | null;
  expired: boolean;
  attempts: number;
  /** Steps that were committed. */
  steps: number;
}

/** What must be true of the jobs, and who has ever held one: also those who do not know that they have lost it. */
interface Model {
  readonly jobs: ModelJob[];
  readonly held: Claimed[];
}

type Command = fc.AsyncCommand<Model, object>;

abstract class OnHeld implements Command {
  constructor(protected readonly pick: number) {}

  check({ held }: Readonly<Model>): boolean {
    return held.length > 0;
  }

  async run(model: Model): Promise<void> {
    const claimed = model.held[this.pick % model.held.length] as Claimed;
    const job = model.jobs.find(({ id }) => id === claimed.id) as ModelJob;
    const mine = job.state === 'running' && job.owner === claimed.owner;
    expect(await this.act(claimed, job)).toBe(mine);
    if (mine) this.change(job);
  }

  protected abstract act(claimed: Claimed, job: ModelJob): Promise<boolean>;
  protected abstract change(job: ModelJob): void;

  toString(): string {
    return `${this.constructor.name}(${this.pick})`;
  }
}

class Step extends OnHeld {
  act(claimed: Claimed, job: ModelJob): Promise<boolean> {
    const item = job.steps + 1;
    return transaction(dataSource, async (tx) => {
      await tx.query('INSERT INTO counted (job_id, item) VALUES ($1, $2)', [claimed.id, item]);
      if (await store.advance(tx, claimed, { done: item, total: null, position: { last: item } })) return true;
      throw new DomainError('forbidden');
    }).catch((error: unknown) => {
      if (error instanceof DomainError && error.code === 'forbidden') return false;
      throw error;
    });
  }

  change(job: ModelJob): void {
    job.steps += 1;
    job.attempts = 0;
    job.expired = false;
  }
}

class Renew extends OnHeld {
  act(claimed: Claimed): Promise<boolean> {
    return store.renew(claimed);
  }

  change(job: ModelJob): void {
    job.expired = false;
  }
}

class End extends OnHeld {
  constructor(
    pick: number,
    private readonly how: 'finish' | 'fail' | 'retry' | 'handBack',
  ) {
    super(pick);
  }

  act(claimed: Claimed): Promise<boolean> {
    switch (this.how) {
      case 'finish':
        return store.finish(claimed, { result: 1 });
      case 'fail':
        return store.fail(claimed, 'internal');
      case 'retry':
        return store.retry(claimed, 0);
      case 'handBack':
        return store.handBack(claimed);
    }
  }

  change(job: ModelJob): void {
    job.state = { finish: 'done', fail: 'failed', retry: 'queued', handBack: 'queued' }[this.how];
    if (this.how === 'handBack') job.attempts = Math.max(job.attempts - 1, 0);
    job.owner = null;
    job.expired = false;
  }

  override toString(): string {
    return `${this.how}(${this.pick})`;
  }
}

class Enqueue implements Command {
  check = (): boolean => true;

  async run({ jobs }: Model): Promise<void> {
    const id = await transaction(dataSource, (tx) => store.insert(tx, KIND, {}, OWNER));
    jobs.push({ id, state: 'queued', owner: null, expired: false, attempts: 0, steps: 0 });
  }

  toString = (): string => 'enqueue';
}

/** Several replicas look for work at once: no two get the same, and none goes away empty while there is some. */
class Claim implements Command {
  constructor(private readonly replicas: number) {}

  check = (): boolean => true;

  async run({ jobs, held }: Model): Promise<void> {
    const due = jobs.filter(({ state, expired }) => state === 'queued' || (state === 'running' && expired));
    const claims = Array.from({ length: this.replicas }, () => store.claim(KIND, randomUUID()));
    const claimed = (await Promise.all(claims)).filter((one) => one !== undefined);
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length);
    if (due.length > 0) expect(claimed.length).toBeGreaterThan(0);
    for (const one of claimed) {
      const job = due.find(({ id }) => id === one.id) as ModelJob;
      expect(one.position).toEqual(job.steps === 0 ? null : { last: job.steps });
      Object.assign(job, { state: 'running', owner: one.owner, expired: false, attempts: job.attempts + 1 });
      expect(one.attempts).toBe(job.attempts);
      held.push(one);
    }
  }

  toString = (): string => `claim x${this.replicas}`;
}

/** A replica is not heard of for a lease. */
class Silence implements Command {
  constructor(private readonly pick: number) {}

  check({ jobs }: Readonly<Model>): boolean {
    return jobs.length > 0;
  }

  async run({ jobs }: Model): Promise<void> {
    const job = jobs[this.pick % jobs.length] as ModelJob;
    await dataSource.query(`UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = $1 AND state = 'running'`, [
      job.id,
    ]);
    if (job.state === 'running') job.expired = true;
  }

  toString = (): string => `silence(${this.pick})`;
}

class Cancel implements Command {
  constructor(private readonly pick: number) {}

  check({ jobs }: Readonly<Model>): boolean {
    return jobs.length > 0;
  }

  async run({ jobs }: Model): Promise<void> {
    const job = jobs[this.pick % jobs.length] as ModelJob;
    const open = job.state === 'queued' || job.state === 'running';
    expect(await store.cancel(job.id)).toBe(open);
    if (open) Object.assign(job, { state: 'cancelled', owner: null, expired: false });
  }

  toString = (): string => `cancel(${this.pick})`;
}

/** What PostgreSQL has is what the model says, and each step that was committed is there once and in order. */
async function compare({ jobs }: Model): Promise<void> {
  const rows: (Omit<ModelJob, 'expired' | 'steps'> & { last: number })[] = await dataSource.query(
    `SELECT id, state, owner, attempts, coalesce((position->>'last')::int, 0) AS last FROM jobs ORDER BY id`,
  );
  const expected = jobs.map(({ id, state, owner, attempts, steps }) => ({ id, state, owner, attempts, last: steps }));
  expect(rows).toEqual(expected.sort((a, b) => (a.id < b.id ? -1 : 1)));
  for (const { id, steps } of jobs) {
    const items: { item: number }[] = await dataSource.query(
      'SELECT item FROM counted WHERE job_id = $1 ORDER BY seq',
      [id],
    );
    expect(items.map(({ item }) => item)).toEqual(Array.from({ length: steps }, (_, n) => n + 1));
  }
}

it('keeps to the model of its states, whoever comes when, and whoever comes too late', async () => {
  const pick = fc.nat({ max: 20 });
  const ways = fc.constantFrom('finish', 'fail', 'retry', 'handBack');
  const commands = [
    fc.constant(new Enqueue()),
    fc.integer({ min: 1, max: 3 }).map((n) => new Claim(n)),
    pick.map((n) => new Step(n)),
    pick.map((n) => new Step(n)),
    pick.map((n) => new Renew(n)),
    pick.map((n) => new Silence(n)),
    pick.map((n) => new Cancel(n)),
    fc.tuple(pick, ways).map(([n, how]) => new End(n, how)),
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), async (sequence) => {
      await dataSource.query('DELETE FROM jobs');
      await dataSource.query('DELETE FROM counted');
      const model: Model = { jobs: [], held: [] };
      await fc.asyncModelRun(() => ({ model, real: {} }), sequence);
      await compare(model);
    }),
    { numRuns: 100 },
  );
}, 120_000);
