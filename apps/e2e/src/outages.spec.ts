import { setTimeout as sleep } from 'node:timers/promises';
import {
  startPostgres,
  startPuerta,
  startRedis,
  stopwatch,
  waitFor,
  type Puerta,
  type TestPostgres,
  type TestRedis,
} from '@puerta/testing';
import { issueMany } from './support/load';
import { administrator, expectStatus, issueCard, type Administrator } from './support/people';
import { query } from './support/rows';

let redis: TestRedis;
let postgres: TestPostgres;
let puerta: Puerta;
let admin: Administrator;

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
  puerta = await startPuerta({ redis: redis.url, databaseUrl: postgres.url });
  admin = await administrator(puerta.api());
}, 120_000);

afterAll(async () => {
  await puerta?.stop();
  await redis?.close();
  await postgres?.close();
});

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const elapsed = stopwatch();
  return [await work, elapsed()];
}

const list = () => puerta.api().get('/cards', { token: admin.token });
const issue = () => puerta.api().post('/cards', { holder: { name: 'Luis' } }, { token: admin.token });

it('answers 503 within two seconds when no replica of a service is up', async () => {
  const issuer = puerta.replicas['card-issuer'][0];
  for (const end of ['stop', 'kill'] as const) {
    await issuer?.[end]();
    const [answer, ms] = await timed(issue());
    expect(answer).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(ms).toBeLessThan(2_500);
    await waitFor(async () => (await puerta.http().get('/health/ready')).status === 503);
    await issuer?.start();
    await waitFor(async () => (await puerta.http().get('/health/ready')).status === 200);
    expectStatus(await issue(), 201);
  }
}, 60_000);

it('answers 503 auth_unavailable when access cannot be checked, and never lets pass', async () => {
  const identity = puerta.replicas.identity[0];
  await identity?.stop();
  // Whom the gateway knows may still pass until it notices that nobody tells it of changes any more.
  await waitFor(async () => (await list()).status === 503, 1_000);
  const [answer, ms] = await timed(list());
  expect(answer).toMatchObject({ status: 503, body: { code: 'auth_unavailable' } });
  expect(ms).toBeLessThan(2_500);
  await identity?.start();
  await waitFor(async () => (await list()).status === 200);
}, 60_000);

it.each(['stop', 'kill'] as const)(
  'gives 503s while Redis is away (%s), and serves again within five seconds of its return',
  async (end) => {
    const statuses = new Set<number>();
    let slowest = 0;
    let loading = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (loading) {
          const [answer, ms] = await timed(issue());
          statuses.add(answer.status);
          slowest = Math.max(slowest, ms);
          await sleep(20);
        }
      }),
    );
    try {
      await sleep(500);
      await redis[end]();
      await sleep(1_000);
      const away = await Promise.all([
        list(),
        issue(),
        puerta.http().get('/health'),
        puerta.http().get('/health/ready'),
      ]);
      expect(away.map(({ status }) => status)).toEqual([503, 503, 200, 503]);
      await redis.start();
      await waitFor(async () => (await issue()).status === 201, 5_000, 50);
    } finally {
      loading = false;
      await load;
    }
    expect([...statuses].filter((status) => ![201, 503, 504].includes(status))).toEqual([]);
    expect(slowest).toBeLessThan(12_000);
  },
  60_000,
);

it('answers 503 while Redis is frozen, which looks connected', async () => {
  redis.pause();
  try {
    await sleep(1_000);
    const [answer, ms] = await timed(list());
    expect(answer.status).toBe(503);
    expect(ms).toBeLessThan(3_000);
    expect((await puerta.http().get('/health')).status).toBe(200);
  } finally {
    redis.resume();
  }
  await waitFor(async () => (await list()).status === 200, 5_000);
  await issueCard(puerta.api(), admin.token);
}, 60_000);

it('answers 503 while PostgreSQL refuses connections, and serves again by itself', async () => {
  const server = new URL(puerta.database.url);
  server.pathname = '/postgres';
  const allow = (allowed: boolean) =>
    query(server.href, `ALTER DATABASE ${puerta.database.name} ALLOW_CONNECTIONS ${allowed}`);
  await allow(false);
  await query(
    server.href,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${puerta.database.name}'`,
  );
  const answer = await issue();
  expect(answer.status).toBe(503);
  await allow(true);
  await waitFor(async () => (await issue()).status === 201, 10_000);
}, 60_000);

it('answers 503 at most when PostgreSQL ends all connections, again and again, and no process dies of it', async () => {
  const pids = puerta.all().map(({ pid }) => pid);
  const statuses = new Set<number>();
  let loading = true;
  const load = Array.from({ length: 8 }, async (_, n) => {
    while (loading) statuses.add((await (n % 2 ? issue() : list())).status);
  });
  for (let times = 0; times < 12; times += 1) {
    await sleep(100);
    const name = puerta.database.name;
    await query(postgres.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  }
  loading = false;
  await Promise.all(load);
  expect([...statuses].filter((status) => ![200, 201, 503, 504].includes(status))).toEqual([]);
  expect(statuses).toContain(201);
  expect(puerta.all().map(({ pid }) => pid)).toEqual(pids);
  for (const replica of puerta.all()) expect((await replica.internal.get('/health')).status).toBe(200);
  expect(puerta.logs).not.toContain('nobody caught it');
}, 60_000);

it('answers 503 while PostgreSQL is killed under load, serves again by itself, and leaves nothing half done', async () => {
  const other = await administrator(puerta.api(), 'Universidad Nueva');
  const { cards, failures, longestMs } = await issueMany(puerta, other.token, {
    commands: 150,
    callers: 8,
    onProgress: async (done) => {
      if (done !== 50) return;
      await postgres.kill();
      try {
        const [answer, ms] = await timed(issue());
        expect(answer.status).toBe(503);
        expect(ms).toBeLessThan(2_500);
        expect((await puerta.http().get('/health')).status).toBe(200);
      } finally {
        await postgres.start(); // else nobody would ever learn what was wrong
      }
    },
  });
  expect(failures.length).toBeGreaterThan(0);
  expect([...new Set(failures)].filter((failure) => !/^50[34] /.test(failure))).toEqual([]);
  expect(longestMs).toBeLessThan(12_000);
  // A number is taken with the card that gets it, and a card's history begins with it: none without the other.
  const serials = cards.map((card) => Number(card.number.slice(3))).sort((a, b) => a - b);
  expect(serials).toEqual(Array.from({ length: 150 }, (_, n) => 10_001 + n));
  const [row] = await query<{ cards: number; histories: number }>(
    puerta.database.url,
    `SELECT count(*)::int AS cards, count(history)::int AS histories
       FROM card_issuer.cards AS card
       LEFT JOIN LATERAL (SELECT count(*) AS lines FROM card_issuer.card_events AS event WHERE event.card_id = card.id)
         AS history ON history.lines = 1
      WHERE company_id = $1`,
    [other.companyId],
  );
  expect(row).toEqual({ cards: 150, histories: 150 });
}, 120_000);
