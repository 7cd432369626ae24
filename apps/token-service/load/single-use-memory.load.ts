import { startRedis, type TestRedis } from '@puerta/testing';
import { Redis } from 'ioredis';
import { callOf, somebody, Tokens } from '../test/tokens';

const TOKENS = 50_000;
const AT_ONCE = 200;

let redis: TestRedis;
let looking: Redis;

beforeAll(async () => {
  redis = await startRedis();
  looking = new Redis(redis.url);
});

afterAll(async () => {
  looking.disconnect();
  await redis.close();
});

/** All that Redis has allocated, with its tables of keys and of when they end, whatever it counts for a single key. */
async function memory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await looking.info('memory'))?.[1]);
}

async function all<T>(what: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < TOKENS; n = next++) results[n] = await what(n);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

it.each([
  ['without a payload', null, [520, 520]],
  ['with a payload of 4 KiB', 'x'.repeat(4_094), [6_500, 6_500]],
] as const)(
  'a token %s takes no more memory than the documentation says, live and used',
  async (what, payload, [mostLive, mostUsed]) => {
    await looking.flushall();
    const tokens = new Tokens({ redis: redis.url });
    const replica = await tokens.replica();
    const ana = somebody();
    const before = await memory();
    const made = await all(() => replica.issue(callOf(ana), { ttl_seconds: 3_600, payload }));
    const live = (await memory()) - before;
    await all((n) => replica.redeem(callOf(ana), made[n]?.token ?? ''));
    const used = (await memory()) - before;
    console.log(`${what}: ${Math.round(live / TOKENS)} bytes live, ${Math.round(used / TOKENS)} used`);
    expect(live / TOKENS).toBeLessThan(mostLive);
    expect(used / TOKENS).toBeLessThan(mostUsed);
    await tokens.close();
  },
);
