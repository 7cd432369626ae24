import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, stopwatch, type TestRedis, testRedisUrl, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
import type { Limit } from '../routes/route-options';
import { claim } from './limits';
import { RedisLimiter } from './redis-limiter';

describe('RedisLimiter', () => {
  let limiter: RedisLimiter;

  beforeAll(async () => {
    limiter = new RedisLimiter(testRedisUrl(), `limits-${randomUUID().slice(0, 8)}`);
    await limiter.onModuleInit();
  });

  afterAll(() => limiter.onModuleDestroy());

  const admitted = async (limit: Limit, subject: string): Promise<boolean> =>
    (await limiter.take([claim(limit, subject)])).every((verdict) => verdict.admitted);

  it('admits as many as the limit says, and tells how many are left', async () => {
    const limit = { name: 'count', count: 3, seconds: 60 };
    const verdicts = [];
    for (let i = 0; i < 5; i++) verdicts.push(...(await limiter.take([claim(limit, 'ana')])));
    expect(verdicts.map((one) => [one.admitted, one.remaining, one.retryAfter])).toEqual([
      [true, 2, 0],
      [true, 1, 0],
      [true, 0, 0],
      [false, 0, 20],
      [false, 0, 20],
    ]);
    expect(verdicts.map(({ reset }) => reset)).toEqual([20, 40, 60, 60, 60]);
  });

  it('admits one more as soon as its share of the time is over', async () => {
    const limit = { name: 'refill', count: 4, seconds: 1 };
    for (let i = 0; i < 4; i++) expect(await admitted(limit, 'ana')).toBe(true);
    expect(await admitted(limit, 'ana')).toBe(false);
    await sleep(300);
    expect(await admitted(limit, 'ana')).toBe(true);
    expect(await admitted(limit, 'ana')).toBe(false);
  });

  it('admits exactly the limit of a hundred that come at once, over two replicas', async () => {
    const limit = { name: 'race', count: 25, seconds: 600 };
    const other = new RedisLimiter(testRedisUrl(), 'race');
    const one = new RedisLimiter(testRedisUrl(), 'race');
    await Promise.all([one.onModuleInit(), other.onModuleInit()]);
    const subject = randomUUID();
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, (_, n) => (n % 2 ? one : other).take([claim(limit, subject)])),
    );
    expect(verdicts.flat().filter((verdict) => verdict.admitted)).toHaveLength(25);
    one.onModuleDestroy();
    other.onModuleDestroy();
  });

  it('charges all limits of a request or none', async () => {
    const wide = { name: 'wide', count: 10, seconds: 60 };
    const narrow = { name: 'narrow', count: 1, seconds: 60 };
    const both = () => limiter.take([claim(wide, 'ana'), claim(narrow, 'ana')]);
    expect((await both()).map((verdict) => verdict.admitted)).toEqual([true, true]);
    for (let i = 0; i < 20; i++) expect((await both()).map((verdict) => verdict.admitted)).toEqual([true, false]);
    expect((await limiter.take([claim(wide, 'ana')]))[0]?.remaining).toBe(8);
  });

  it('gives back one charge, and never more than was charged', async () => {
    const limit = { name: 'back', count: 3, seconds: 60 };
    const one = claim(limit, 'ana');
    for (let i = 0; i < 3; i++) expect(await admitted(limit, 'ana')).toBe(true);
    await limiter.giveBack(one);
    expect([await admitted(limit, 'ana'), await admitted(limit, 'ana')]).toEqual([true, false]);
    for (let i = 0; i < 10; i++) await limiter.giveBack(one);
    expect((await limiter.take([one]))[0]).toMatchObject({ admitted: true, remaining: 2 });
  });

  it('counts each subject by itself', async () => {
    const limit = { name: 'each', count: 1, seconds: 60 };
    expect(await admitted(limit, 'ana')).toBe(true);
    expect(await admitted(limit, 'luis')).toBe(true);
    expect(await admitted(limit, 'ana')).toBe(false);
  });

  it('keeps no e-mail or address in Redis, and nothing for longer than it counts', async () => {
    const redis = new Redis(testRedisUrl());
    const own = new RedisLimiter(testRedisUrl(), 'traces');
    await own.onModuleInit();
    await own.take([claim({ name: 'login-email', count: 5, seconds: 50 }, 'ana@example.com')]);
    const keys = await redis.keys('traces:*');
    expect(keys).toEqual([expect.stringMatching(/^traces:\{limits\}:[A-Za-z0-9_-]{22}$/)]);
    expect(await redis.pttl(keys[0] ?? '')).toBeLessThanOrEqual(10_000);
    own.onModuleDestroy();
    redis.disconnect();
  });

  describe('with a Redis of its own', () => {
    let redis: TestRedis;
    let own: RedisLimiter;
    const limit = { name: 'away', count: 1_000, seconds: 1 };
    const refusal = async (): Promise<[code: string, ms: number]> => {
      const elapsed = stopwatch();
      const code = await own.take([claim(limit, 'ana')]).then(
        () => 'admitted',
        (error: { code: string }) => error.code,
      );
      return [code, elapsed()];
    };

    beforeAll(async () => {
      redis = await startRedis();
      own = new RedisLimiter(redis.url, 'own');
      await own.onModuleInit();
    });

    afterAll(async () => {
      own.onModuleDestroy();
      await redis.close();
    });

    it('refuses soon while Redis is frozen, and goes on when it is not', async () => {
      redis.pause();
      const [code, ms] = await refusal();
      redis.resume();
      expect(code).toBe('service_unavailable');
      expect(ms).toBeLessThan(900);
      await waitFor(async () => (await refusal())[0] === 'admitted');
    });

    it('leaves a connection that fell silent while Redis itself is well', async () => {
      const { hostname, port } = new URL(redis.url);
      const sockets: Socket[] = [];
      let silent = false;
      const wire = createServer((near) => {
        const far = connect(Number(port), hostname);
        const deaf = (): boolean => silent && sockets.includes(near);
        near.on('data', (chunk) => deaf() || far.write(chunk)).on('error', () => undefined);
        far.on('data', (chunk) => deaf() || near.write(chunk)).on('error', () => undefined);
        if (!silent) sockets.push(near);
        near.on('close', () => far.destroy());
      });
      await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
      const through = new URL(redis.url);
      through.port = String((wire.address() as AddressInfo).port);
      const behind = new RedisLimiter(through.href, 'behind');
      await behind.onModuleInit();
      const reached = async (): Promise<boolean> =>
        behind.take([claim(limit, 'ana')]).then(
          () => true,
          () => false,
        );
      expect(await reached()).toBe(true);
      silent = true;
      expect(await reached()).toBe(false);
      await waitFor(reached, 5_000);
      behind.onModuleDestroy();
      wire.close();
    });

    it('refuses at once while Redis is away, and goes on when it is back', async () => {
      await redis.kill();
      await waitFor(async () => !(await own.isReachable()));
      const [code, ms] = await refusal();
      expect(code).toBe('service_unavailable');
      expect(ms).toBeLessThan(600);
      await redis.start();
      await waitFor(async () => (await refusal())[0] === 'admitted', 5_000);
    });
  });
});
