import { setTimeout as sleep } from 'node:timers/promises';
import type { LoginAnswer } from '@puerta/contracts';
import { type Puerta, setHearing, startPuerta, startRedis, stopwatch, type TestRedis, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
import { busCounts } from './support/load';
import { administrator, expectStatus, register } from './support/people';
import { query } from './support/rows';

/** Within so long every gateway must refuse. */
const BOUND_MS = 1_000;
const GATEWAYS = [0, 1, 2];

let redis: TestRedis;
let puerta: Puerta;
let admin: Redis;

beforeAll(async () => {
  redis = await startRedis();
  puerta = await startPuerta({ redis: redis.url, replicas: { gateway: 3, identity: 2 } });
  admin = new Redis(redis.url);
}, 120_000);

afterAll(async () => {
  admin?.disconnect();
  await puerta?.stop();
  await redis?.close();
});

/**
 * Asks a gateway something that it refuses by itself, once it has let the token pass: what is seen is the guard alone,
 * also while no service can answer.
 */
const me = (n: number, token: string) => puerta.api(n).get<{ code?: string }>('/users/me/activity?limit=x', { token });
const PASSED = 422;

/** How often identity was asked who may. */
const asked = async () => (await busCounts(puerta, 'identity', 'access.check')).reduce((sum, one) => sum + one, 0);

/** A session that every gateway knows, so that none of them asks about it any more. */
async function known(): Promise<LoginAnswer> {
  const session = await register(puerta.api());
  for (const n of GATEWAYS) expectStatus(await me(n, session.access_token), PASSED);
  return session;
}

/** Until every gateway knows a session without asking. */
async function allFresh(): Promise<void> {
  const { access_token: token } = await register(puerta.api());
  await waitFor(async () => {
    for (const n of GATEWAYS) await me(n, token);
    const before = await asked();
    for (const n of GATEWAYS) await me(n, token);
    return (await asked()) === before;
  }, 10_000);
}

/** Asks every gateway again and again from now on; how long each went on letting the token pass. */
async function untilRefused(token: string, codes: readonly string[], from = performance.now()): Promise<number[]> {
  return Promise.all(
    GATEWAYS.map(async (n) => {
      let passedAt = from;
      for (;;) {
        const asking = performance.now();
        const { status, body } = await me(n, token);
        if (status === PASSED) passedAt = Math.max(passedAt, asking);
        else if (codes.includes(body.code ?? '')) return passedAt - from;
        else throw new Error(`${status} ${body.code}`);
        if (performance.now() - from > 10_000) throw new Error(`gateway ${n} has let it pass for ten seconds`);
        await sleep(5);
      }
    }),
  );
}

/** How many of its two invalidation streams each gateway reads. */
const heard = () =>
  Promise.all(
    puerta.replicas.gateway.map(async ({ internal }) => {
      const { body } = await internal.get<string>('/metrics');
      return Number(/^puerta_invalidation_streams_fresh\S* (\d)$/m.exec(body)?.[1]);
    }),
  );

const revoke = (userId: string) =>
  query(puerta.database.url, 'UPDATE identity.sessions SET revoked_at = now() WHERE user_id = $1', [userId]);

beforeEach(() => allFresh(), 30_000);

it('does not ask identity about who is known', async () => {
  const { access_token: token } = await known();
  const before = await asked();
  for (let round = 0; round < 10; round += 1) for (const n of GATEWAYS) expectStatus(await me(n, token), PASSED);
  expect((await asked()) - before).toBeLessThan(10);
});

it('refuses at every gateway within a second of logging out, ten times', async () => {
  const sessions = await Promise.all(Array.from({ length: 10 }, known));
  const times = await Promise.all(
    sessions.map(async ({ access_token: token }, n) => {
      expectStatus(await puerta.api(n % 3).post('/users/logout', {}, { token }), 204);
      return untilRefused(token, ['session_revoked']);
    }),
  );
  expect(Math.max(...times.flat())).toBeLessThan(BOUND_MS);
}, 60_000);

it('refuses within a second of what an operator does in the database', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, known));
  const statements = [
    'UPDATE identity.users SET status = $2 WHERE id = $1',
    'UPDATE identity.sessions SET revoked_at = now() WHERE user_id = $1 AND $2::text IS NOT NULL',
    'DELETE FROM identity.sessions WHERE user_id = $1 AND $2::text IS NOT NULL',
    'DELETE FROM identity.users WHERE id = $1 AND $2::text IS NOT NULL',
  ];
  for (const [n, statement] of statements.entries()) {
    const { user_id, access_token } = people[n] as LoginAnswer;
    await query(puerta.database.url, statement, [user_id, 'inactive']);
    const times = await untilRefused(access_token, ['session_revoked', 'access_token_invalid']);
    expect(Math.max(...times)).toBeLessThan(BOUND_MS);
  }
  await query(puerta.database.url, 'TRUNCATE identity.sessions CASCADE');
  const last = await untilRefused((people[4] as LoginAnswer).access_token, ['session_revoked']);
  expect(Math.max(...last)).toBeLessThan(BOUND_MS);
}, 60_000);

it('takes a role away at every gateway within a second', async () => {
  const { userId, companyId, token } = await administrator(puerta.api());
  const company = (n: number) => puerta.api(n).get<{ code?: string }>(`/companies/${companyId}`, { token });
  for (const n of GATEWAYS) expectStatus(await company(n), 200);
  await query(puerta.database.url, `UPDATE identity.memberships SET role = 'member' WHERE user_id = $1`, [userId]);
  const elapsed = stopwatch();
  await waitFor(async () => {
    const answers = await Promise.all(GATEWAYS.map(company));
    return answers.every(({ body }) => body.code === 'role_required');
  });
  expect(elapsed()).toBeLessThan(BOUND_MS);
});

it('lets nobody pass a second after their session was revoked, when the invalidation stream cannot be read', async () => {
  const { user_id, access_token: token } = await known();
  await setHearing(redis.url, puerta.busPrefix, false);
  try {
    await revoke(user_id);
    expect(Math.max(...(await untilRefused(token, ['session_revoked'])))).toBeLessThan(BOUND_MS);
    await waitFor(async () => (await heard()).every((fresh) => fresh === 0));
    // Everything goes on, by asking identity each time.
    const other = await register(puerta.api());
    const before = await asked();
    for (const n of [...GATEWAYS, ...GATEWAYS]) expectStatus(await me(n, other.access_token), PASSED);
    expect((await asked()) - before).toBe(6);
  } finally {
    await setHearing(redis.url, puerta.busPrefix, true);
  }
}, 60_000);

it('lets nobody pass a second after their session was revoked, when the connections of the invalidation stream are cut again and again', async () => {
  const { user_id, access_token: token } = await known();
  const cutting = setInterval(() => {
    void admin.client('LIST').then(async (list) => {
      for (const [, id] of String(list).matchAll(/^id=(\d+) .* name=gateway:invalidations:/gm))
        await admin.call('CLIENT', 'KILL', 'ID', id ?? '');
    });
  }, 100);
  try {
    await sleep(300);
    await revoke(user_id);
    expect(Math.max(...(await untilRefused(token, ['session_revoked'])))).toBeLessThan(BOUND_MS);
  } finally {
    clearInterval(cutting);
  }
}, 60_000);

it('lets nobody pass a second after their session was revoked, when every identity is frozen, which tells nothing', async () => {
  const { user_id, access_token: token } = await known();
  const pids = puerta.replicas.identity.map(({ pid }) => pid ?? 0);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await revoke(user_id);
    expect(Math.max(...(await untilRefused(token, ['auth_unavailable'])))).toBeLessThan(BOUND_MS);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  await waitFor(async () => (await me(0, token)).body.code === 'session_revoked', 15_000);
}, 60_000);

it('lets nobody pass a second after their session was revoked, when Redis is frozen, which looks connected', async () => {
  const { user_id, access_token: token } = await known();
  redis.pause();
  try {
    await revoke(user_id);
    expect(Math.max(...(await untilRefused(token, ['auth_unavailable'])))).toBeLessThan(BOUND_MS);
    const elapsed = stopwatch();
    await me(0, token);
    expect(elapsed()).toBeLessThan(1_100);
  } finally {
    redis.resume();
  }
  await waitFor(async () => (await me(0, token)).body.code === 'session_revoked', 15_000);
}, 60_000);

it('tells the other gateways of a change that a killed identity had committed and not told', async () => {
  const { user_id, access_token: token } = await known();
  const [killed, frozen] = puerta.replicas.identity;
  // The one that lives sleeps while the other commits and dies; then it tells what it finds.
  process.kill(frozen?.pid ?? 0, 'SIGSTOP');
  await killed?.kill();
  await revoke(user_id);
  process.kill(frozen?.pid ?? 0, 'SIGCONT');
  expect(Math.max(...(await untilRefused(token, ['session_revoked', 'auth_unavailable'])))).toBeLessThan(BOUND_MS);
  await waitFor(async () => (await me(1, token)).body.code === 'session_revoked', 15_000);
  await killed?.start();
}, 60_000);
