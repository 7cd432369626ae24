import type { LoginAnswer } from '@puerta/contracts';
import { stopwatch, waitFor, type Puerta } from '@puerta/testing';
import { Redis } from 'ioredis';
import { expectStatus, PASSWORD, register } from '../support/people';
import { query } from '../support/rows';
import { single } from '../support/shared-puerta';

/** What a stream holds before nobody may add to it. */
const FULL = 10_000;

let puerta: Puerta;
let redis: Redis;

beforeAll(async () => {
  puerta = await single.start();
  redis = new Redis(puerta.redisUrl);
}, 120_000);

afterAll(() => redis?.disconnect());

async function sessions(): Promise<number> {
  const [row] = await query<{ count: string }>(puerta.database.url, 'SELECT count(*) FROM identity.sessions');
  return Number(row?.count);
}

it('refuses at once what a service cannot keep up with, says when to ask again, does none of it, and goes on by itself', async () => {
  const api = puerta.api();
  const { email } = await register(api);
  const logIn = () => api.post<LoginAnswer & { code: string }>('/users/login', { email, password: PASSWORD });
  const before = await sessions();
  const stream = `${puerta.busPrefix}:{identity}:gateway:heavy`;

  const [identity] = puerta.replicas.identity;
  process.kill(identity?.pid ?? 0, 'SIGSTOP');
  const filling = redis.pipeline();
  for (let i = 0; i < FULL; i += 1) filling.xadd(stream, '*', 'any', 'thing');
  await filling.exec();
  const elapsed = stopwatch();
  const refused = await Promise.all(Array.from({ length: 50 }, logIn));
  expect(elapsed()).toBeLessThan(1_500);
  for (const { status, headers, body } of refused) {
    expect({ status, code: body.code, wait: headers.get('retry-after') }).toEqual({
      status: 503,
      code: 'overloaded',
      wait: '2',
    });
  }

  process.kill(identity?.pid ?? 0, 'SIGCONT');
  await waitFor(async () => (await redis.xlen(stream)) === 0, 15_000);
  expect(await sessions()).toBe(before);
  expectStatus(await logIn(), 200);
  expect(await sessions()).toBe(before + 1);
}, 60_000);
