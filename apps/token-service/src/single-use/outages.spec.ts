import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '@puerta/observability';
import { startRedis, stopwatch, type TestRedis, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
import { TestTokenService } from '../../test/token-service';
import { callOf, codeOf, somebody, Tokens, type TokensReplica } from '../../test/tokens';

let redis: TestRedis;
let looking: Redis;
let tokens: Tokens;
let replica: TokensReplica;

beforeAll(async () => {
  redis = await startRedis();
  looking = new Redis(redis.url).on('error', () => undefined);
  tokens = new Tokens({ redis: redis.url });
  replica = await tokens.replica();
});

afterAll(async () => {
  await tokens.close();
  looking.disconnect();
  await redis.close();
});

const ana = somebody();
const issue = (ttl_seconds = 600) => replica.issue(callOf(ana), { ttl_seconds });
const redeem = (token: string, call = callOf(ana)) => replica.redeem(call, token);

/** How a call ended, and after how many ms. */
async function timed(call: Promise<unknown>): Promise<[code: string, ms: number]> {
  const elapsed = stopwatch();
  return [await codeOf(call), elapsed()];
}

const back = () => waitFor(async () => (await codeOf(issue())) === 'ok', 10_000);

it('a restart from older files brings back nothing that was used', async () => {
  const [used, live] = await Promise.all([issue(), issue()]);
  await looking.config('SET', 'appendfsync', 'always');
  const [, folder = ''] = (await looking.config('GET', 'dir')) as string[];
  const files = join(folder, 'appendonlydir');
  const copy = join(folder, 'older-files');
  await cp(files, copy, { recursive: true });
  expect(await codeOf(redeem(used.token))).toBe('ok');
  await redis.kill();
  await rm(files, { recursive: true });
  await cp(copy, files, { recursive: true });
  await redis.start();
  await back();
  // Both are there again, as they were before one was used.
  const keys = await looking.keys(`${tokens.prefix}:tokens:*`);
  const records = (await looking.mget(keys)).filter((record) => record?.includes(' live '));
  expect(records.length).toBeGreaterThanOrEqual(3);
  for (const { token, token_id } of [used, live]) {
    expect(await codeOf(redeem(token))).toBe('token_unknown');
    expect(await codeOf(replica.peek(callOf(ana), token))).toBe('token_unknown');
    expect(await codeOf(replica.revoke(callOf(ana), token_id))).toBe('token_unknown');
  }
});

it('a restart with nothing lost ends all tokens too', async () => {
  const { token } = await issue();
  const short = await issue(1);
  await redis.stop();
  await redis.start();
  await back();
  expect(await codeOf(redeem(token))).toBe('token_unknown');
  await sleep(1_000);
  expect(await codeOf(redeem(short.token))).toBe('token_expired');
});

it('a frozen Redis is noticed within a second, and nothing happens later that was refused', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => issue()));
  await sleep(200);
  redis.pause();
  const first = await Promise.all(made.map(({ token }) => timed(redeem(token))));
  for (const [code, ms] of first) {
    expect(code).toBe('service_unavailable');
    expect(ms).toBeLessThan(1_000);
  }
  for (const call of [redeem(made[0]?.token ?? ''), issue(), replica.revoke(callOf(ana), made[0]?.token_id ?? '')]) {
    const [code, ms] = await timed(call);
    expect(code).toBe('service_unavailable');
    expect(ms).toBeLessThan(1_000);
  }
  expect(await replica.redis.isReachable()).toBe(false);
  redis.resume();
  await back();
  expect(await replica.redis.isReachable()).toBe(true);
  for (const { token } of made) expect(await codeOf(redeem(token))).toBe('ok');
});

it('frozen in the middle of it: each call learns whether it happened, or that nobody knows, and may be repeated', async () => {
  const made = await Promise.all(Array.from({ length: 300 }, async () => ({ call: callOf(ana), ...(await issue()) })));
  const asked = made.map(async ({ token, call }, n) => {
    await sleep(n);
    return timed(redeem(token, call));
  });
  await sleep(100);
  redis.pause();
  const outcomes = await Promise.all(asked);
  redis.resume();
  await back();
  for (const [index, [code, ms]] of outcomes.entries()) {
    expect(['ok', 'service_unavailable', 'outcome_unknown']).toContain(code);
    expect(ms).toBeLessThan(1_600);
    const { token, call } = made[index] as { token: string; call: ReturnType<typeof callOf> };
    if (code === 'service_unavailable') expect(await codeOf(replica.peek(callOf(ana), token))).toBe('ok');
    expect(await codeOf(redeem(token, call))).toBe('ok');
    expect(await codeOf(redeem(token))).toBe('token_used');
  }
  expect(outcomes.map(([code]) => code)).toEqual(expect.arrayContaining(['ok', 'service_unavailable']));
});

it('a Redis that is away is noticed at once, and found again by itself', async () => {
  await redis.kill();
  await waitFor(async () => (await codeOf(issue())) === 'service_unavailable');
  await sleep(800);
  const [code, ms] = await timed(issue());
  expect([code, ms < 300]).toEqual(['service_unavailable', true]);
  await redis.start();
  await back();
});

it('a Redis that is full refuses new tokens and uses none up', async () => {
  const { token } = await issue();
  await looking.config('SET', 'maxmemory', '1');
  expect(await codeOf(issue())).toBe('overloaded');
  expect(await codeOf(redeem(token))).toBe('overloaded');
  await looking.config('SET', 'maxmemory', '0');
  expect(await codeOf(redeem(token))).toBe('ok');
});

it('settings that tokens should not be kept with are warned of, once', async () => {
  const said: string[] = [];
  const badly = new Tokens({
    redis: redis.url,
    logger: { ...silentLogger, warn: (message: string) => void said.push(message) },
  });
  await looking.config('SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no');
  const other = await badly.replica();
  await looking.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await waitFor(() => other.redis.isReachable());
  expect(said).toEqual([
    expect.stringContaining('the Redis of the single-use tokens has maxmemory-policy allkeys-lru'),
    expect.stringContaining('the Redis of the single-use tokens keeps no append-only file'),
    expect.stringContaining('lost'),
  ]);
  await looking.config('SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes');
  await badly.close();
});

it('the service is not ready without it, and signs all the same', async () => {
  const service = await TestTokenService.create();
  try {
    const { checks } = await service.start({ TOKEN_SERVICE_REDIS_URL: redis.url });
    expect(await checks['tokens']?.()).toBe(true);
    await sleep(200);
    redis.pause();
    const elapsed = stopwatch();
    expect(await checks['tokens']?.()).toBe(false);
    expect(elapsed()).toBeLessThan(1_000);
    expect(await checks['redis']?.()).toBe(true);
    const gateway = await service.as('gateway');
    expect((await gateway.request('keys.public', {})).keys).not.toHaveLength(0);
    expect(await codeOf(gateway.request('single-use-tokens.issue', {}, { actor: ana }))).toBe('service_unavailable');
    redis.resume();
    await waitFor(async () => (await checks['tokens']?.()) === true, 10_000);
  } finally {
    redis.resume();
    await service.close();
  }
});
