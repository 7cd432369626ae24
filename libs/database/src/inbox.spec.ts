import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@puerta/contracts/core';
import { createDatabase, type TestDatabase, waitFor } from '@puerta/testing';
import { DataSource, type EntityManager } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { Inbox, type InboxCall, type Reference } from './inbox';
import { Inbox1763596800000 } from './inbox.migration';
import { runMigrations } from './migrate';

const ALICE = { user_id: '0199aaaa-0000-7000-8000-000000000001', company_id: '0199aaaa-0000-7000-8000-0000000000c1' };
const BOB = { ...ALICE, user_id: '0199aaaa-0000-7000-8000-000000000002' };

let database: TestDatabase;
let dataSource: DataSource;
let inbox: Inbox;

beforeAll(async () => {
  database = await createDatabase();
  dataSource = await connect();
  await runMigrations(dataSource);
  await dataSource.query(
    'CREATE TABLE effects (id serial, name text NOT NULL, CONSTRAINT effects_name_key UNIQUE (name))',
  );
  inbox = new Inbox(dataSource, createSecretKey(randomBytes(32)));
});

afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

function connect(options: { lockTimeoutMs?: number } = {}): Promise<DataSource> {
  return new DataSource(
    dataSourceOptions({
      url: database.url,
      schema: 'sample',
      applicationName: 'inbox-spec',
      entities: [],
      migrations: [Inbox1763596800000],
      ...options,
    }),
  ).initialize();
}

const call = (more: Partial<InboxCall> = {}): InboxCall => ({
  messageId: randomUUID(),
  pattern: 'things.make',
  actor: ALICE,
  ...more,
});

function makes(name: string): (tx: EntityManager) => Promise<Reference> {
  return async (tx) => {
    const [row] = (await tx.query('INSERT INTO effects (name) VALUES ($1) RETURNING id', [name])) as [{ id: number }];
    return { id: row.id };
  };
}

async function effects(name: string): Promise<number> {
  const rows: unknown[] = await dataSource.query('SELECT 1 FROM effects WHERE name LIKE $1', [`${name}%`]);
  return rows.length;
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof DomainError ? error.code : error),
  );

describe('the inbox', () => {
  it('answers a redelivered message with what its effect gave, and does not run it again', async () => {
    const message = call();
    const first = await inbox.once(message, { a: 1 }, makes('redelivered'));
    const second = await inbox.once(message, { a: 1 }, makes('redelivered-again'));
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ reference: first.reference, replayed: true });
    expect(await effects('redelivered')).toBe(1);
  });

  it('knows a retry by its Idempotency-Key, though the message is another one', async () => {
    const idempotencyKey = randomUUID();
    const first = await inbox.once(call({ idempotencyKey }), { name: 'x', nested: { b: 1, a: [2] } }, makes('retried'));
    const again = await inbox.once(call({ idempotencyKey }), { nested: { a: [2], b: 1 }, name: 'x' }, makes('retried'));
    expect(again).toEqual({ reference: first.reference, replayed: true });
  });

  it('refuses the same Idempotency-Key with another request, and the first stays good', async () => {
    const idempotencyKey = 'k';
    await inbox.once(call({ idempotencyKey }), { n: 1 }, makes('mismatched'));
    expect(await code(inbox.once(call({ idempotencyKey }), { n: 2 }, makes('mismatched-2')))).toBe(
      'idempotency_mismatch',
    );
    expect((await inbox.once(call({ idempotencyKey }), { n: 1 }, makes('mismatched-3'))).replayed).toBe(true);
    expect(await effects('mismatched')).toBe(1);
  });

  it.each([
    ['another user', { actor: BOB }],
    ['another company', { actor: { ...ALICE, company_id: null } }],
    ['nobody', { actor: undefined }],
    ['another pattern', { pattern: 'things.break' }],
    ['nobody, with a key that looks like a scope', { actor: undefined, idempotencyKey: 'shared","x' }],
  ])('keeps the key of one apart from that of %s', async (who, more) => {
    await inbox.once(call({ idempotencyKey: 'shared' }), {}, makes('scope').bind(null)).catch(() => undefined);
    expect((await inbox.once(call({ idempotencyKey: 'shared', ...more }), {}, makes(`scope-${who}`))).replayed).toBe(
      false,
    );
  });

  it('runs one effect for 50 parallel calls with one key, and all get its reference', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => inbox.once(call({ idempotencyKey: 'parallel' }), { b: 1 }, makes('parallel'))),
    );
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.reference))).size).toBe(1);
    expect(await effects('parallel')).toBe(1);
  });

  it('runs 50 effects for 50 parallel calls with keys of their own', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => inbox.once(call({ idempotencyKey: `own-${i}` }), {}, makes(`own-${i}`))),
    );
    expect(await effects('own-')).toBe(50);
  });

  it('undoes everything when the effect fails, the key too, so that a retry runs it', async () => {
    const idempotencyKey = randomUUID();
    const failing = async (tx: EntityManager): Promise<Reference> => {
      await makes('failed')(tx);
      throw new DomainError('email_taken');
    };
    expect(await code(inbox.once(call({ idempotencyKey }), {}, failing))).toBe('email_taken');
    expect(await effects('failed')).toBe(0);
    expect((await inbox.once(call({ idempotencyKey }), {}, makes('failed'))).replayed).toBe(false);
  });

  it('lets a waiting duplicate run the effect when the first one fails', async () => {
    const idempotencyKey = randomUUID();
    const started = deferred();
    const first = inbox.once(call({ idempotencyKey }), {}, async () => {
      started.resolve();
      await sleep(200);
      throw new DomainError('internal');
    });
    await started.promise;
    const second = inbox.once(call({ idempotencyKey }), {}, makes('second'));
    expect(await code(first)).toBe('internal');
    expect((await second).replayed).toBe(false);
  });

  it('tells a duplicate that waited too long that the outcome is unknown', async () => {
    const impatient = await connect({ lockTimeoutMs: 200 });
    const idempotencyKey = randomUUID();
    const started = deferred();
    const slow = inbox.once(call({ idempotencyKey }), {}, async (tx) => {
      started.resolve();
      await sleep(800);
      return makes('slow')(tx);
    });
    await started.promise;
    const key = createSecretKey(randomBytes(32));
    expect(await code(new Inbox(impatient, key).once(call({ idempotencyKey }), {}, makes('slow')))).toBe(
      'outcome_unknown',
    );
    expect((await slow).replayed).toBe(false);
    await impatient.destroy();
  });

  it('leaves nothing behind when the connection is killed in the middle, and the next try works', async () => {
    const idempotencyKey = randomUUID();
    const killed = inbox.once(call({ idempotencyKey }), {}, async (tx) => {
      const reference = await makes('killed')(tx);
      const [{ pid }] = (await tx.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
      await dataSource.query('SELECT pg_terminate_backend($1)', [pid]);
      await sleep(100);
      return reference;
    });
    expect(await code(killed)).toBe('service_unavailable');
    expect(await effects('killed')).toBe(0);
    expect((await inbox.once(call({ idempotencyKey }), {}, makes('killed'))).replayed).toBe(false);
    expect(await effects('killed')).toBe(1);
  });

  it('does not answer from an effect that swallowed an error of the database', async () => {
    const message = call();
    const careless = async (tx: EntityManager): Promise<Reference> => {
      await tx.query('SELECT nonsense').catch(() => undefined);
      return { id: 1 };
    };
    await expect(inbox.once(message, {}, careless)).rejects.toMatchObject({ driverError: { code: '25P02' } });
  });

  it('stores neither the request nor the key, only digests', async () => {
    const canary = 'canary-Pa55word';
    await inbox.once(call({ idempotencyKey: canary }), { password: canary }, makes('stored'));
    const rows: unknown[] = await dataSource.query('SELECT * FROM inbox');
    const text = rows.map((row) =>
      JSON.stringify(row, (_k, v: unknown) => (isBuffer(v) ? Buffer.from(v.data).toString('latin1') : v)),
    );
    expect(text.join()).not.toContain('canary');
  });

  describe('after a day', () => {
    const expire = (pattern: string): Promise<unknown> =>
      dataSource.query(`UPDATE inbox SET expires_at = now() - interval '1 second' WHERE pattern = $1`, [pattern]);

    it('runs a call afresh, even if it was not pruned yet', async () => {
      const late = call({ idempotencyKey: 'late', pattern: 'late.make' });
      await inbox.once(late, { v: 1 }, makes('late-1'));
      await expire('late.make');
      expect((await inbox.once(late, { v: 2 }, makes('late-2'))).replayed).toBe(false);
      expect((await inbox.once(late, { v: 2 }, makes('late-3'))).replayed).toBe(true);
    });

    it('forgets it, in batches, and nothing younger', async () => {
      await dataSource.query(
        `INSERT INTO inbox (key, pattern, fingerprint, expires_at)
         SELECT sha256(i::text::bytea), 'old.make', sha256(''), now() - interval '1 hour'
         FROM generate_series(1, 1500) AS i`,
      );
      await inbox.once(call({ pattern: 'young.make' }), {}, makes('young'));
      expect(await inbox.prune()).toBe(true);
      expect(await inbox.prune()).toBe(false);
      const left: { pattern: string }[] = await dataSource.query('SELECT DISTINCT pattern FROM inbox');
      expect(left.map((row) => row.pattern)).toContain('young.make');
      expect(left.map((row) => row.pattern)).not.toContain('old.make');
    });
  });

  it('gives its connections back', async () => {
    await waitFor(async () => {
      const rows: unknown[] = await dataSource.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'inbox-spec' AND state LIKE 'idle in transaction%'`,
      );
      return rows.length === 0;
    });
  });
});

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

function isBuffer(value: unknown): value is { type: 'Buffer'; data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}
