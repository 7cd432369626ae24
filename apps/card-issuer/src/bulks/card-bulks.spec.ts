import { randomUUID } from 'node:crypto';
import type { Actor, BulkCardsDto, Card, CardBulk } from '@puerta/contracts';
import { waitFor } from '@puerta/testing';
import { codeOf, TestCardIssuer, user } from '../../test/card-issuer';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const SOON = '2060-06-30T00:00:00.000Z';

const start = (actor: Actor, dto: BulkCardsDto, idempotencyKey?: string): Promise<CardBulk> =>
  service.ask('card-bulks.start', dto, { actor, ...(idempotencyKey ? { idempotencyKey } : {}) });
const get = (actor: Actor, { job_id }: Pick<CardBulk, 'job_id'>): Promise<CardBulk> =>
  service.ask('card-bulks.get', { job_id }, { actor });
const ended = (actor: Actor, job: CardBulk): Promise<CardBulk> =>
  waitFor(async () => {
    const now = await get(actor, job);
    return now.finished_at !== null && now;
  }, 15_000);
const run = async (actor: Actor, dto: BulkCardsDto): Promise<CardBulk> => ended(actor, await start(actor, dto));
const read = (actor: Actor, { card_id }: Card): Promise<Card> => service.ask('cards.get', { card_id }, { actor });
const send = (actor: Actor, command: 'suspend' | 'revoke', { card_id }: Card): Promise<Card> =>
  service.ask(`cards.${command}`, { card_id }, { actor });

/** So many cards, by copying one: each has one line of history. */
async function manyCards(actor: Actor, count: number): Promise<Card> {
  const first = await service.issue(actor);
  await service.database.query(
    `WITH copies AS (
       INSERT INTO cards
       SELECT gen_random_uuid(), company_id, '98-' || serial, status, holder_name, null, null, null, 'Copias', null,
         valid_until, issued_at, revision, code_salt, code_secret_id, sha256((id::text || serial)::bytea), search_words
       FROM cards, generate_series(10001, 10000 + $2::int) AS serial WHERE id = $1
       RETURNING id)
     INSERT INTO card_events (id, card_id, kind, revision, actor_user_id, at)
     SELECT gen_random_uuid(), id, 'issued', 1, gen_random_uuid(), now() FROM copies`,
    [first.card_id, count],
  );
  return first;
}

const NONE = { card_not_found: 0, card_state_conflict: 0, unchanged: 0 };

describe('a command for many cards', () => {
  it('is answered at once with a job, which says how it went', async () => {
    const actor = user();
    const cards = [await service.issue(actor), await service.issue(actor), await service.issue(actor)];
    await send(actor, 'suspend', cards[2] as Card);
    const job = await start(actor, { action: 'suspend', filter: {}, reason: 'holidays' });
    expect(job).toMatchObject({ action: 'suspend', dry_run: false, error: null, created_at: expect.any(String) });
    expect(await ended(actor, job)).toEqual({
      job_id: job.job_id,
      action: 'suspend',
      dry_run: false,
      status: 'done',
      done: 3,
      total: 3,
      changed: 2,
      skipped: { ...NONE, card_state_conflict: 1 },
      error: null,
      created_at: job.created_at,
      started_at: expect.any(String),
      finished_at: expect.any(String),
    });
    for (const card of cards) {
      expect(await read(actor, card)).toEqual({ ...card, status: 'suspended' });
      expect(await service.history(card)).toEqual(['issued', 'suspended']);
    }
    const events = await service.database.query<object[]>(
      `SELECT kind, revision, actor_user_id, reason FROM card_events WHERE card_id = $1 AND kind = 'suspended'`,
      [cards[0]?.card_id],
    );
    expect(events).toEqual([{ kind: 'suspended', revision: 1, actor_user_id: actor.user_id, reason: 'holidays' }]);
  });

  it('renews: an expired card is active again, a revoked one stays as it is', async () => {
    const actor = user();
    const expired = await service.expire(await service.issue(actor));
    const current = await service.issue(actor, { valid_until: SOON });
    const revoked = await send(actor, 'revoke', await service.issue(actor));
    expect(await run(actor, { action: 'renew', filter: {}, valid_until: SOON })).toMatchObject({
      changed: 1,
      skipped: { card_not_found: 0, card_state_conflict: 1, unchanged: 1 },
    });
    expect(await read(actor, expired)).toMatchObject({ status: 'active', valid_until: SOON });
    expect(await read(actor, revoked)).toEqual(revoked);
    expect(await service.history(expired)).toEqual(['issued', 'updated']);
    expect(await service.history(current)).toEqual(['issued']);
  });

  it.each([
    [{ unit: 'Derecho' }, [0, 2]],
    [{ q: 'eva' }, [1]],
    [{ q: "o'mar" }, [3]],
    [{ q: 'dorde' }, [0]],
    [{ status: 'suspended' as const }, [3]],
    [{ status: 'active' as const, unit: 'Derecho' }, [0, 2]],
    [{ q: 'nobody' }, []],
    [{}, [0, 1, 2, 3]],
  ])('concerns the cards that %j finds, as in the list', async (filter, meant) => {
    const actor = user();
    const holders = [
      { name: 'Ana Đorđe', unit: 'Derecho' },
      { name: 'Eva', unit: 'Medicina' },
      { name: 'Luis', unit: 'Derecho' },
      { name: 'O’Mar', unit: null },
    ];
    const cards: Card[] = [];
    for (const holder of holders) cards.push(await service.issue(actor, { holder }));
    await send(actor, 'suspend', cards[3] as Card);
    expect(await run(actor, { action: 'revoke', filter })).toMatchObject({
      changed: meant.length,
      total: meant.length,
    });
    const now = await Promise.all(cards.map((card) => read(actor, card)));
    expect(now.flatMap(({ status }, n) => (status === 'revoked' ? [n] : []))).toEqual(meant);
  });

  it('concerns the cards that are named, each once, and says how many are not there', async () => {
    const [actor, stranger] = [user(), user()];
    const [mine, other, theirs] = [
      await service.issue(actor),
      await service.issue(actor),
      await service.issue(stranger),
    ];
    const card_ids = [mine.card_id, theirs.card_id.toUpperCase(), mine.card_id, randomUUID()];
    expect(await run(actor, { action: 'suspend', card_ids })).toMatchObject({
      done: 3,
      total: 3,
      changed: 1,
      skipped: { ...NONE, card_not_found: 2 },
    });
    expect((await read(actor, mine)).status).toBe('suspended');
    expect((await read(actor, other)).status).toBe('active');
    expect((await read(stranger, theirs)).status).toBe('active');
  });

  it.each([
    { action: 'renew' as const, valid_until: SOON, skipped: { card_state_conflict: 1, unchanged: 1 } },
    { action: 'suspend' as const, skipped: { card_state_conflict: 1 } },
    { action: 'revoke' as const, skipped: { card_state_conflict: 1 } },
  ])('tried dry, $action changes nothing and counts what it would change', async ({ skipped, ...command }) => {
    const actor = user();
    const holder = { name: 'Ana', unit: 'Derecho' };
    const cards = [
      await service.issue(actor, { holder }),
      await service.issue(actor, { holder, valid_until: SOON }),
      await send(actor, 'revoke', await service.issue(actor, { holder })),
      await service.issue(actor),
    ];
    const told = () => service.count('card_events', 'actor_user_id = $1', [actor.user_id]);
    const before = await told();
    const counted = {
      changed: 3 - Object.values(skipped).reduce((sum, n) => sum + n),
      skipped: { ...NONE, ...skipped },
    };
    const filter = { unit: 'Derecho', q: 'ána' };
    const dry = await run(actor, { ...command, filter, dry_run: true });
    expect(dry).toMatchObject({ status: 'done', dry_run: true, done: 3, total: 3, ...counted });
    for (const card of cards) expect(await read(actor, card)).toEqual(card);
    expect(await told()).toBe(before);
    expect(await run(actor, { ...command, filter })).toMatchObject({ dry_run: false, done: 3, ...counted });
    expect(await told()).toBe(before + counted.changed);
  });

  it.each(['0000-01-01T00:00:00Z', '2020-01-01T00:00:00Z', '2199-01-01T00:00:00Z'])(
    'renews nothing until %s, not even dry: there is no job',
    async (valid_until) => {
      const actor = user();
      const card = await service.issue(actor);
      for (const dry_run of [false, true]) {
        await expect(start(actor, { action: 'renew', filter: {}, valid_until, dry_run })).rejects.toMatchObject({
          code: 'validation_failed',
          extra: { errors: [{ field: 'valid_until', code: 'out_of_range' }] },
        });
      }
      expect(await service.count('jobs', 'company_id = $1', [actor.company_id])).toBe(0);
      expect(await read(actor, card)).toEqual(card);
    },
  );

  it('gives who asks again the job that renews, also when that time has passed', async () => {
    const actor = user();
    const valid_until = new Date(Date.now() + 300).toISOString();
    const ask = () => start(actor, { action: 'renew', filter: {}, valid_until }, 'once');
    const job = await ask();
    await waitFor(() => Date.parse(valid_until) < Date.now());
    expect(await ask()).toEqual(job);
  });

  it('goes on while others change cards: each is changed once, whoever comes first', async () => {
    const actor = user();
    const cards = await Promise.all(Array.from({ length: 30 }, () => service.issue(actor)));
    await manyCards(actor, 350);
    const [job, outcomes] = await Promise.all([
      start(actor, { action: 'suspend', filter: {} }),
      Promise.all(cards.map((card) => codeOf(send(actor, 'suspend', card)))),
    ]);
    const { changed, done } = await ended(actor, job);
    expect(done).toBe(381);
    expect(changed + outcomes.filter((outcome) => typeof outcome === 'object').length).toBe(381);
    const doubled: unknown[] = await service.database.query(
      `SELECT e.card_id FROM card_events e JOIN cards c ON c.id = e.card_id
        WHERE c.company_id = $1 AND e.kind = 'suspended' GROUP BY 1 HAVING count(*) <> 1`,
      [actor.company_id],
    );
    expect(doubled).toEqual([]);
  });

  it('does not concern cards that are issued after it was given', async () => {
    const actor = user();
    await manyCards(actor, 250);
    const job = await start(actor, { action: 'revoke', filter: {} });
    const later = await service.issue(actor);
    expect((await ended(actor, job)).changed).toBe(251);
    expect((await read(actor, later)).status).toBe('active');
  });

  it('asked again with the same key is the same job', async () => {
    const actor = user();
    await service.issue(actor);
    const dto: BulkCardsDto = { action: 'suspend', filter: {} };
    const jobs = await Promise.all(Array.from({ length: 10 }, () => start(actor, dto, 'once')));
    expect(new Set(jobs.map((job) => JSON.stringify(job))).size).toBe(1);
    expect(await codeOf(start(actor, { ...dto, reason: 'x' }, 'once'))).toBe('idempotency_mismatch');
    expect(await service.count('jobs', 'company_id = $1', [actor.company_id])).toBe(1);
    await ended(actor, jobs[0] as CardBulk);
    expect(await start(actor, dto, 'once')).toEqual(jobs[0]);
  });

  it('can be ended where it stands', async () => {
    const actor = user();
    const card = await manyCards(actor, 1_500);
    const job = await start(actor, { action: 'suspend', filter: {} });
    await waitFor(async () => (await get(actor, job)).done > 0);
    const cancelled = await service.ask('card-bulks.cancel', { job_id: job.job_id }, { actor });
    expect(cancelled).toMatchObject({ status: 'cancelled', total: 1_501, finished_at: expect.any(String) });
    expect(cancelled.changed).toBe(cancelled.done);
    const suspended = () => service.count('cards', `company_id = $1 AND status = 'suspended'`, [actor.company_id]);
    expect(await suspended()).toBe(cancelled.changed);
    expect(cancelled.changed).toBeLessThan(1_501);
    expect(await service.ask('card-bulks.cancel', { job_id: job.job_id }, { actor })).toEqual(cancelled);
    expect((await read(actor, card)).card_id).toBe(card.card_id);
  });

  it('records each card in the activity trail, as a command for one does', async () => {
    const actor = user();
    const card = await service.issue(actor);
    const recorded = () =>
      service.database.query<{ id: string }[]>(`SELECT id FROM card_events WHERE card_id = $1 AND kind = 'suspended'`, [
        card.card_id,
      ]);
    await service.database.query('CREATE TABLE published AS SELECT data FROM outbox WHERE FALSE');
    await service.database.query(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN INSERT INTO published VALUES (new.data); RETURN NULL; END'`);
    await service.database.query('CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep()');
    await run(actor, { action: 'suspend', filter: {} });
    await service.database.query('DROP TRIGGER keep ON outbox');
    const [line] = await recorded();
    expect(await service.database.query('SELECT data FROM published')).toEqual([
      {
        data: {
          id: line?.id,
          kind: 'card.suspended',
          at: expect.any(String),
          actor_user_id: actor.user_id,
          company_id: actor.company_id,
          subject_id: card.card_id,
        },
      },
    ]);
  });
});

describe('who may', () => {
  it('give one: who issues for the company', async () => {
    const dto: BulkCardsDto = { action: 'suspend', filter: {} };
    expect(await codeOf(service.ask('card-bulks.start', dto))).toBe('unauthenticated');
    expect(await codeOf(start(user(null, null), dto))).toBe('company_required');
    expect(await codeOf(start(user('door'), dto))).toBe('role_required');
  });

  it('see or end one: who issues for that company', async () => {
    const actor = user();
    const job = await start(actor, { action: 'suspend', filter: {} });
    const colleague = user('issuer', actor.company_id);
    expect((await get(colleague, job)).job_id).toBe(job.job_id);
    for (const [who, code] of [
      [user('owner'), 'job_not_found'],
      [user('door', actor.company_id), 'role_required'],
      [user(null, null), 'company_required'],
    ] as const) {
      expect(await codeOf(get(who, job))).toBe(code);
      expect(await codeOf(service.ask('card-bulks.cancel', { job_id: job.job_id }, { actor: who }))).toBe(code);
    }
    expect(await codeOf(get(actor, { job_id: randomUUID() }))).toBe('job_not_found');
  });
});

describe('what goes together', () => {
  it.each([
    [{ action: 'suspend' }, 'filter', 'required'],
    [{ action: 'suspend', filter: null, card_ids: null }, 'filter', 'required'],
    [{ action: 'suspend', filter: {}, card_ids: [randomUUID()] }, 'card_ids', 'conflicts'],
    [{ action: 'renew', filter: {} }, 'valid_until', 'required'],
    [{ action: 'revoke', filter: {}, valid_until: SOON }, 'valid_until', 'conflicts'],
    [{ action: 'revoke', card_ids: [] }, 'card_ids', 'wrong_count'],
    [{ action: 'revoke', card_ids: Array.from({ length: 1_001 }, () => randomUUID()) }, 'card_ids', 'wrong_count'],
    [{ action: 'revoke', card_ids: ['x'] }, 'card_ids', 'bad_format'],
    [{ action: 'revoke', card_ids: 'x' }, 'card_ids', 'wrong_type'],
    [{ action: 'revoke', filter: {}, dry_run: 'true' }, 'dry_run', 'wrong_type'],
    [{ action: 'revoke', filter: { limit: 1 } }, 'filter.limit', 'unknown_field'],
  ])('is checked: %j', async (dto, field, code) => {
    const refused = service.askAnything('card-bulks.start', dto, { actor: user() });
    await expect(refused).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [expect.objectContaining({ field, code })] },
    });
  });
});
