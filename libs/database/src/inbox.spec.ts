import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '@puerta/contracts/core';
import { Sealer } from '@puerta/messaging';
import { createDatabase, type TestDatabase, waitFor } from '@puerta/testing';
import { DataSource, type EntityManager } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { type Effect, Inbox, type InboxCall, type Reference } from './inbox';
import { Inbox1763596800000, InboxAnswers1795564800000 } from './inbox.migration';
import { runMigrations } from './migrate';

const ALICE = { user_id: '0199aaaa-0000-7000-8000-000000000001', company_id: '0199aaaa-0000-7000-8000-0000000000c1' };
const BOB = { ...ALICE, user_id: '0199aaaa-0000-7000-8000-000000000002' };

let database: TestDatabase;
let dataSource: DataSource;
let inbox: Inbox;
const fingerprintKey = createSecretKey(randomBytes(32));

/** A sealer under a key of its own. */
function sealer(key = createSecretKey(randomBytes(32))): Sealer {
  return new Sealer({ current: { id: 'k1', key }, get: () => key });
}

beforeAll(async () => {
  database = await createDatabase();
  dataSource = await connect();
  await runMigrations(dataSource);
  await dataSource.query(
    'CREATE TABLE effects (id serial, name text NOT NULL, CONSTRAINT effects_name_key UNIQUE (name))',
  );
  inbox = new Inbox(dataSource, fingerprintKey, sealer());
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
      migrations: [Inbox1763596800000, InboxAnswers1795564800000],
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

type Makes = (tx: EntityManager) => Promise<Effect<Reference, never>>;

function makes(name: string): Makes {
  return async (tx) => {
    const [row] = (await tx.query('INSERT INTO effects (name) VALUES ($1) RETURNING id', [name])) as [{ id: number }];
    return { reference: { id: row.id } };
  };
}

interface Outcome {
  readonly reference: Reference;
  /** The effect had happened before. */
  readonly replayed: boolean;
}

/** Asks for an effect whose answer is its reference. */
async function once(message: InboxCall, request: object, effect: Makes, by = inbox): Promise<Outcome> {
  let replayed = true;
  const run: Makes = async (tx) => {
    const done = await effect(tx);
    replayed = false;
    return done;
  };
  const reference = await by.answer(request, message, run, async (one) => one);
  return { reference, replayed };
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
    const first = await once(message, { a: 1 }, makes('redelivered'));
    const second = await once(message, { a: 1 }, makes('redelivered-again'));
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ reference: first.reference, replayed: true });
    expect(await effects('redelivered')).toBe(1);
  });

  it('knows a retry by its Idempotency-Key, though the message is another one', async () => {
    const idempotencyKey = randomUUID();
    const first = await once(call({ idempotencyKey }), { name: 'x', nested: { b: 1, a: [2] } }, makes('retried'));
    const again = await once(call({ idempotencyKey }), { nested: { a: [2], b: 1 }, name: 'x' }, makes('retried'));
    expect(again).toEqual({ reference: first.reference, replayed: true });
  });

  it('refuses the same Idempotency-Key with another request, and the first stays good', async () => {
    const idempotencyKey = 'k';
    await once(call({ idempotencyKey }), { n: 1 }, makes('mismatched'));
    expect(await code(once(call({ idempotencyKey }), { n: 2 }, makes('mismatched-2')))).toBe('idempotency_mismatch');
    expect((await once(call({ idempotencyKey }), { n: 1 }, makes('mismatched-3'))).replayed).toBe(true);
    expect(await effects('mismatched')).toBe(1);
  });

  it('lets strangers use one key for requests of their own', async () => {
    const nobody = { idempotencyKey: 'chosen-by-two', actor: undefined };
    expect((await once(call(nobody), { n: 1 }, makes('stranger-1'))).replayed).toBe(false);
    expect((await once(call(nobody), { n: 2 }, makes('stranger-2'))).replayed).toBe(false);
    for (const n of [1, 2]) expect((await once(call(nobody), { n }, makes('stranger'))).replayed).toBe(true);
  });

  it.each([
    ['another user', { actor: BOB }],
    ['another company', { actor: { ...ALICE, company_id: null } }],
    ['nobody', { actor: undefined }],
    ['another pattern', { pattern: 'things.break' }],
    ['nobody, with a key that looks like a scope', { actor: undefined, idempotencyKey: 'shared","x' }],
  ])('keeps the key of one apart from that of %s', async (who, more) => {
    await once(call({ idempotencyKey: 'shared' }), {}, makes('scope'));
    expect((await once(call({ idempotencyKey: 'shared', ...more }), {}, makes(`scope-${who}`))).replayed).toBe(false);
  });

  it('runs one effect for 50 parallel calls with one key, and all get its reference', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => once(call({ idempotencyKey: 'parallel' }), { b: 1 }, makes('parallel'))),
    );
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.reference))).size).toBe(1);
    expect(await effects('parallel')).toBe(1);
  });

  it('runs 50 effects for 50 parallel calls with keys of their own', async () => {
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => once(call({ idempotencyKey: `own-${i}` }), {}, makes(`own-${i}`))),
    );
    expect(await effects('own-')).toBe(50);
  });

  it('undoes everything when the effect fails, the key too, so that a retry runs it', async () => {
    const idempotencyKey = randomUUID();
    const failing: Makes = async (tx) => {
      await makes('failed')(tx);
      throw new DomainError('email_taken');
    };
    expect(await code(once(call({ idempotencyKey }), {}, failing))).toBe('email_taken');
    expect(await effects('failed')).toBe(0);
    expect((await once(call({ idempotencyKey }), {}, makes('failed'))).replayed).toBe(false);
  });

  it('lets a waiting duplicate run the effect when the first one fails', async () => {
    const idempotencyKey = randomUUID();
    const started = deferred();
    const first = once(call({ idempotencyKey }), {}, async () => {
      started.resolve();
      await sleep(200);
      throw new DomainError('internal');
    });
    await started.promise;
    const second = once(call({ idempotencyKey }), {}, makes('second'));
    expect(await code(first)).toBe('internal');
    expect((await second).replayed).toBe(false);
  });

  it('tells a duplicate that waited too long that the outcome is unknown', async () => {
    const impatient = await connect({ lockTimeoutMs: 200 });
    const idempotencyKey = randomUUID();
    const started = deferred();
    const slow = once(call({ idempotencyKey }), {}, async (tx) => {
      started.resolve();
      await sleep(800);
      return makes('slow')(tx);
    });
    await started.promise;
    const late = once(call({ idempotencyKey }), {}, makes('slow'), new Inbox(impatient, fingerprintKey, sealer()));
    expect(await code(late)).toBe('outcome_unknown');
    expect((await slow).replayed).toBe(false);
    await impatient.destroy();
  });

  it('leaves nothing behind when the connection is killed in the middle, and the next try works', async () => {
    const idempotencyKey = randomUUID();
    const killed = once(call({ idempotencyKey }), {}, async (tx) => {
      const reference = await makes('killed')(tx);
      const [{ pid }] = (await tx.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
      await dataSource.query('SELECT pg_terminate_backend($1)', [pid]);
      await sleep(100);
      return reference;
    });
    expect(await code(killed)).toBe('service_unavailable');
    expect(await effects('killed')).toBe(0);
    expect((await once(call({ idempotencyKey }), {}, makes('killed'))).replayed).toBe(false);
    expect(await effects('killed')).toBe(1);
  });

  it('does not answer from an effect that swallowed an error of the database', async () => {
    const message = call();
    const careless: Makes = async (tx) => {
      await tx.query('SELECT nonsense').catch(() => undefined);
      return { reference: { id: 1 } };
    };
    await expect(once(message, {}, careless)).rejects.toMatchObject({ driverError: { code: '25P02' } });
  });

  it('stores neither the request nor the key, only digests', async () => {
    const canary = 'canary-Pa55word';
    await once(call({ idempotencyKey: canary }), { password: canary }, makes('stored'));
    const rows: unknown[] = await dataSource.query('SELECT * FROM inbox');
    const text = rows.map((row) =>
      JSON.stringify(row, (_k, v: unknown) => (isBuffer(v) ? Buffer.from(v.data).toString('latin1') : v)),
    );
    expect(text.join()).not.toContain('canary');
  });

  describe('and the first answer', () => {
    /** Each answer is another one: what is told again cannot have been made again. */
    const answering = (name: string, more: Partial<InboxCall>, by = inbox): Promise<{ token: string }> =>
      by.answer({ name }, call({ pattern: 'tokens.make', ...more }), makes(name), async () => ({
        token: randomUUID(),
      }));
    const stored = async (pattern: string): Promise<(string | null)[]> => {
      const rows: { answer: string | null }[] = await dataSource.query('SELECT answer FROM inbox WHERE pattern = $1', [
        pattern,
      ]);
      return rows.map((row) => row.answer);
    };

    it('is what every repetition with the key gets', async () => {
      const idempotencyKey = randomUUID();
      const first = await answering('answered', { idempotencyKey });
      expect(await answering('answered', { idempotencyKey })).toEqual(first);
      expect(await answering('answered', { idempotencyKey })).toEqual(first);
      expect(await effects('answered')).toBe(1);
    });

    it('is the same for 20 who ask at once, over two replicas, though each of them may have made one', async () => {
      const other = await connect();
      const key = createSecretKey(randomBytes(32));
      const replicas = [dataSource, other].map((source) => new Inbox(source, fingerprintKey, sealer(key)));
      const idempotencyKey = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => answering('at-once', { idempotencyKey }, replicas[i % 2])),
      );
      expect(new Set(answers.map(({ token }) => token)).size).toBe(1);
      expect(await effects('at-once')).toBe(1);
      await other.destroy();
    });

    it('is stored with the effect where the effect knows it, and never made', async () => {
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.known' };
      const ask = () =>
        inbox.answer<Reference, { token: string }>(
          {},
          call(more),
          async (tx) => ({ ...(await makes('known')(tx)), answer: { token: randomUUID() } }),
          () => Promise.reject(new Error('made again')),
        );
      expect(await ask()).toEqual(await ask());
      expect(await stored('tokens.known')).toEqual([expect.any(String)]);
      const plain = { messageId: randomUUID(), pattern: 'tokens.known-plain' };
      await inbox.answer<Reference, object>(
        {},
        call(plain),
        async (tx) => ({ ...(await makes('known-plain')(tx)), answer: {} }),
        () => Promise.reject(new Error('made again')),
      );
      expect(await stored('tokens.known-plain')).toEqual([null]);
    });

    it('is not stored without a key: a redelivery is answered afresh', async () => {
      const message = { messageId: randomUUID(), pattern: 'tokens.redelivered' };
      const [first, second] = [await answering('plain', message), await answering('plain', message)];
      expect(second).not.toEqual(first);
      expect(await stored('tokens.redelivered')).toEqual([null]);
      expect(await effects('plain')).toBe(1);
    });

    it('is made again when it was never stored, and then kept', async () => {
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.lost' };
      const dies = inbox.answer({ name: 'lost' }, call(more), makes('lost'), () => Promise.reject(new Error('dies')));
      await expect(dies).rejects.toThrow('dies');
      const first = await answering('lost', more);
      expect(await answering('lost', more)).toEqual(first);
      expect(await effects('lost')).toBe(1);
    });

    it('is made again when it cannot be opened any more, and then kept under the new key', async () => {
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.rotated' };
      const first = await answering('rotated', more);
      const rotated = new Inbox(dataSource, fingerprintKey, sealer());
      const again = await answering('rotated', more, rotated);
      expect(again).not.toEqual(first);
      expect(await answering('rotated', more, rotated)).toEqual(again);
    });

    it('opens in its own row alone', async () => {
      const [mine, yours] = [
        { idempotencyKey: 'mine', pattern: 'tokens.mine' },
        { idempotencyKey: 'yours', pattern: 'tokens.yours' },
      ];
      const secret = await answering('mine', mine);
      const own = await answering('yours', yours);
      await dataSource.query(
        `UPDATE inbox SET answer = (SELECT answer FROM inbox WHERE pattern = 'tokens.mine')
          WHERE pattern = 'tokens.yours'`,
      );
      const told = await answering('yours', yours);
      expect([secret, own]).not.toContainEqual(told);
    });

    it('is not given when it could not be stored: asking again is safe, and then it is', async () => {
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.unstored' };
      const fragile = await connect();
      const by = new Inbox(fragile, fingerprintKey, sealer());
      const cut = by.answer({ name: 'unstored' }, call(more), makes('unstored'), async () => {
        await fragile.destroy();
        return { token: 'never told' };
      });
      expect(await code(cut)).toBe('outcome_unknown');
      expect(await answering('unstored', more)).toEqual(await answering('unstored', more));
      expect(await effects('unstored')).toBe(1);
    });

    it('that cannot be made for now is an unknown outcome, not one that did not happen', async () => {
      const away = () => Promise.reject(new DomainError('service_unavailable'));
      const more = { idempotencyKey: randomUUID() };
      expect(await code(inbox.answer({}, call(more), makes('away'), away))).toBe('outcome_unknown');
      expect(await code(inbox.answer({}, call(more), makes('away'), away))).toBe('outcome_unknown');
      const refused = () => Promise.reject(new DomainError('session_revoked'));
      expect(await code(inbox.answer({}, call(more), makes('away'), refused))).toBe('session_revoked');
      expect(await effects('away')).toBe(1);
    });

    it('is told to nobody who asks something else, or is somebody else', async () => {
      const idempotencyKey = randomUUID();
      const first = await answering('private', { idempotencyKey });
      expect(await code(answering('private-other', { idempotencyKey }))).toBe('idempotency_mismatch');
      expect(await answering('private-bob', { idempotencyKey, actor: BOB })).not.toEqual(first);
    });

    it('comes back as it was, whatever text it holds', async () => {
      const answer = { text: '\u0000 "ñ" 👩‍👩‍👧 \ud800', nothing: null, deep: [{ n: 1e21 }] };
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.text' };
      const ask = () => inbox.answer({}, call(more), makes(randomUUID()), async () => answer);
      expect(JSON.stringify(await ask())).toBe(JSON.stringify(await ask()));
    });

    it('is nowhere in clear', async () => {
      const canary = 'canary-token-4711';
      const more = { idempotencyKey: randomUUID(), pattern: 'tokens.canary' };
      await inbox.answer({}, call(more), makes('canary'), async () => ({ token: canary }));
      const [sealed] = await stored('tokens.canary');
      const [{ dump }] = (await dataSource.query(`SELECT string_agg(i::text, ' ') AS dump FROM inbox i`)) as [
        { dump: string },
      ];
      expect(dump).toContain('tokens.canary');
      for (const text of [dump, Buffer.from(sealed ?? '', 'base64url').toString('latin1')])
        expect(text).not.toContain(canary);
    });
  });

  describe('after a day', () => {
    const expire = (pattern: string): Promise<unknown> =>
      dataSource.query(`UPDATE inbox SET expires_at = now() - interval '1 second' WHERE pattern = $1`, [pattern]);

    it('runs a call afresh, even if it was not pruned yet', async () => {
      const late = call({ idempotencyKey: 'late', pattern: 'late.make' });
      await once(late, { v: 1 }, makes('late-1'));
      await expire('late.make');
      const afresh = await once(late, { v: 2 }, makes('late-2'));
      expect(afresh.replayed).toBe(false);
      expect((await once(late, { v: 2 }, makes('late-2'))).reference).toEqual(afresh.reference);
      expect((await once(late, { v: 2 }, makes('late-3'))).replayed).toBe(true);
    });

    it('forgets it, in batches, and nothing younger', async () => {
      await dataSource.query(
        `INSERT INTO inbox (key, pattern, fingerprint, expires_at)
         SELECT sha256(i::text::bytea), 'old.make', sha256(''), now() - interval '1 hour'
         FROM generate_series(1, 1500) AS i`,
      );
      await once(call({ pattern: 'young.make' }), {}, makes('young'));
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
