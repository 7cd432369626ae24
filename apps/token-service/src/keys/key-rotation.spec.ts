import { MOST_KEYS } from '@puerta/auth';
import { KEY_USES, type KeyUse } from '@puerta/contracts';
import { assert, asyncProperty, constant, constantFrom, integer, nat, oneof, record, array } from 'fast-check';
import { TestTokenService } from '../../test/token-service';
import { type KeyChange, KeyRefusal } from './key-rotation';
import type { KeyListing, KeyTools } from './key-tools';
import { KEY_STATES, type KeyState } from './signing-key.entity';

const DAYS = 30;

let service: TestTokenService;
/** As many replicas. */
let replicas: [KeyTools, KeyTools, KeyTools];

beforeAll(async () => {
  service = await TestTokenService.create();
  replicas = [await service.tools(), await service.tools(), await service.tools()];
});

afterAll(() => service.close());

beforeEach(async () => {
  await service.database.query('TRUNCATE keys, outbox');
  await replicas[0].rotation.tend();
});

const list = (use?: KeyUse): Promise<KeyListing[]> => replicas[0].list(use);
const published = async (use: KeyUse) => (await list(use)).filter(({ state }) => state !== 'retired');
const one = async (use: KeyUse, state: KeyState): Promise<KeyListing> => {
  const [key] = (await list(use)).filter((key) => key.state === state);
  if (!key) throw new Error(`there is no ${state} key`);
  return key;
};
const states = async (use: KeyUse) => (await list(use)).map(({ state }) => state);
const eventCount = async () =>
  Number((await service.database.query<[{ count: string }]>('SELECT count(*) FROM outbox'))[0].count);

/** As if so much time had gone by. */
const age = (days: number): Promise<unknown> =>
  service.database.query(
    `UPDATE keys SET state_since = state_since - $1 * interval '1 day', signed_until = signed_until - $1 * interval '1 day'`,
    [days],
  );

/** As the active key does. */
const sign = (use: KeyUse, days: number): Promise<unknown> =>
  service.database.query(
    `UPDATE keys SET signed_until = greatest(signed_until, now() + $2 * interval '1 day') WHERE use = $1 AND state = 'active'`,
    [use, days],
  );

const parallel = <T>(count: number, work: (tools: KeyTools) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(replicas[n % 3] as KeyTools)));

describe('rotation', () => {
  it('lets the next key sign when the active one is old, and makes another next one', async () => {
    const [active, next] = [await one('access', 'active'), await one('access', 'next')];
    await sign('access', DAYS + 1);
    await age(DAYS - 0.01);
    await replicas[0].rotation.tend();
    expect(await states('access')).toEqual(['active', 'next']);
    await age(0.01);
    await replicas[0].rotation.tend();
    expect(await states('access')).toEqual(['active', 'next', 'retiring']);
    expect((await one('access', 'active')).kid).toBe(next.kid);
    expect((await one('access', 'retiring')).kid).toBe(active.kid);
  });

  it('happens once, however many replicas see at the same time that it is due', async () => {
    await sign('access', DAYS + 1);
    await age(DAYS);
    const changes = (await parallel(30, ({ rotation }) => rotation.tend())).flat();
    expect(await states('access')).toEqual(['active', 'next', 'retiring']);
    // Nothing was signed for tickets: that key is gone at once.
    expect(await states('ticket')).toEqual(['active', 'next', 'retired']);
    expect(changes).toHaveLength(3 + 4 + 4);
  });

  it('happens as often as it is asked for, one after the other', async () => {
    const before = await eventCount();
    await Promise.all(KEY_USES.map((use) => parallel(9, ({ rotation }) => rotation.rotate(use, { now: true }))));
    for (const use of KEY_USES) expect(await list(use)).toHaveLength(2 + 9);
    expect(await eventCount()).toBeGreaterThan(before);
  });

  it('keeps a key published for as long as anything that it signed may live, and a little longer', async () => {
    await sign('ticket', 200);
    const { kid } = await one('ticket', 'active');
    await age(DAYS);
    await replicas[0].rotation.tend();
    await age(200 - DAYS);
    // By now three rotations were due that happened as one: nobody looked.
    await replicas[0].rotation.tend();
    expect((await list()).find((key) => key.kid === kid)?.state).toBe('retiring');
    await age(1 / 24);
    await replicas[0].rotation.tend();
    expect((await list()).find((key) => key.kid === kid)).toMatchObject({ state: 'retired', encrypted_with: null });
  });

  it('never lets a key sign that was not published for as long as others may keep the public keys', async () => {
    const { rotation } = replicas[0];
    await expect(rotation.rotate('access', { now: false })).rejects.toThrow(/was published \d+ s ago: .* before 600 s/);
    await service.database.query(`UPDATE keys SET state_since = now() - interval '40 days' WHERE state = 'active'`);
    await rotation.tend();
    expect(await states('access')).toEqual(['active', 'next']);
    await age(601 / 86_400);
    await rotation.tend();
    expect(await states('access')).toEqual(['active', 'next', 'retired']);
  });

  it('waits when as many keys are published as verifiers read', async () => {
    const { rotation } = replicas[0];
    while ((await published('ticket')).length < MOST_KEYS) {
      await sign('ticket', 5_000);
      await rotation.rotate('ticket', { now: true });
    }
    await expect(rotation.rotate('ticket', { now: true })).rejects.toThrow(KeyRefusal);
    await age(DAYS);
    await rotation.tend();
    expect(await published('ticket')).toHaveLength(MOST_KEYS);
    const facts = (await list()).map((key) => ({ ...key, stateSince: key.state_since, signedUntil: key.signed_until }));
    expect(
      rotation.heldUp(
        facts.filter(({ state }) => state !== 'retired'),
        new Date(),
      ),
    ).toEqual(['ticket']);
    expect((await published('access')).length).toBeGreaterThan(1);
    const [active, retiring] = [await one('ticket', 'active'), await one('ticket', 'retiring')];
    await rotation.kill(retiring.kid);
    expect((await one('ticket', 'active')).kid).not.toBe(active.kid);
  });
});

describe('killing a key', () => {
  it('replaces the active one by the next at once, by whomever it is asked for and however often', async () => {
    const [active, next] = [await one('access', 'active'), await one('access', 'next')];
    await sign('access', 1);
    await parallel(9, ({ rotation }) => rotation.kill(active.kid));
    expect(await states('access')).toEqual(['active', 'next', 'retired']);
    expect((await one('access', 'active')).kid).toBe(next.kid);
    expect(await one('access', 'retired')).toMatchObject({ kid: active.kid, encrypted_with: null });
  });

  it('replaces both the active and the next one', async () => {
    const [active, next] = [await one('ticket', 'active'), await one('ticket', 'next')];
    await Promise.all([replicas[0].rotation.kill(active.kid), replicas[1].rotation.kill(next.kid)]);
    expect(await states('ticket')).toEqual(['active', 'next', 'retired', 'retired']);
  });

  it('makes keys where an operator has deleted all of them', async () => {
    await service.database.query('DELETE FROM keys');
    await parallel(9, ({ rotation }) => rotation.tend());
    for (const use of KEY_USES) expect(await states(use)).toEqual(['active', 'next']);
  });
});

type Deed =
  | { readonly what: 'tend' | 'rotate'; readonly use: KeyUse; readonly now: boolean }
  | { readonly what: 'retire' | 'kill'; readonly use: KeyUse; readonly now: boolean; readonly which: number }
  | { readonly what: 'age' | 'sign'; readonly use: KeyUse; readonly days: number };

const use = constantFrom(...KEY_USES);
const now = constantFrom(true, false);
const deed = oneof(
  record({ what: constantFrom('tend' as const, 'rotate' as const), use, now }),
  record({ what: constantFrom('retire' as const, 'kill' as const), use, now, which: nat({ max: 9 }) }),
  record({ what: constant('age' as const), use, days: integer({ min: 0, max: 80 }) }),
  record({ what: constant('sign' as const), use, days: integer({ min: 1, max: 400 }) }),
);

async function does(deed: Deed): Promise<KeyChange[]> {
  const { rotation } = replicas[0];
  switch (deed.what) {
    case 'tend':
      return rotation.tend();
    case 'rotate':
      return rotation.rotate(deed.use, deed);
    case 'age':
      return age(deed.days).then(() => []);
    case 'sign':
      return sign(deed.use, deed.days).then(() => []);
    default: {
      const keys = await list(deed.use);
      const { kid = '' } = keys[deed.which % keys.length] ?? {};
      return deed.what === 'kill' ? rotation.kill(kid) : rotation.retire(kid, deed);
    }
  }
}

const byKid = async () => new Map((await list()).map((key) => [key.kid, key]));

it('whatever is done with keys: one signs and one is next, none goes back, and none goes before what it signed unless it is killed', async () => {
  const refused = (error: unknown): KeyChange[] => {
    if (error instanceof KeyRefusal) return [];
    throw error;
  };
  await assert(
    asyncProperty(array(deed, { minLength: 5, maxLength: 25 }), async (deeds) => {
      await service.database.query('TRUNCATE keys');
      await replicas[0].rotation.tend();
      let before = await byKid();
      for (const step of deeds) {
        const changes = await does(step).catch(refused);
        const after = await byKid();
        for (const one of KEY_USES) {
          const all = [...after.values()].filter(({ use }) => use === one).map(({ state }) => state);
          expect(all.filter((state) => state === 'active')).toHaveLength(1);
          expect(all.filter((state) => state === 'next')).toHaveLength(1);
        }
        for (const [kid, key] of after) {
          const was = before.get(kid);
          if (!was) expect(['active', 'next']).toContain(key.state);
          else expect(KEY_STATES.indexOf(key.state)).toBeGreaterThanOrEqual(KEY_STATES.indexOf(was.state));
          expect(key.encrypted_with === null).toBe(key.state === 'retired');
          const lives = key.signed_until !== null && key.signed_until > new Date();
          if (key.state === 'retired' && was?.state !== 'retired' && lives) expect(step.what).toBe('kill');
        }
        expect([...before.keys()].every((kid) => after.has(kid))).toBe(true);
        for (const { kid, to } of changes)
          if (to === 'retired' || to === 'retiring') expect(after.get(kid)?.state).toMatch(/^reti/);
        before = after;
      }
    }),
    { numRuns: 15 },
  );
}, 60_000);
