import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis, stopwatch, type TestRedis, testRedisUrl, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
import type { Limit } from '../routes/route-options';
import { claim, type Claim } from './limits';
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

  describe('of a limit that is shared, over three replicas', () => {
    let redis: TestRedis;
    let control: Redis;
    let replicas: RedisLimiter[];

    const limitOf = (count: number, seconds = 60): Limit => {
      return { name: `shared-${randomUUID()}`, count, seconds, shared: true };
    };
    const calls = async (): Promise<number> =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await control.info('commandstats'))?.[1] ?? 0);
    const passes = async (replica: RedisLimiter, ...claims: Claim[]): Promise<boolean> =>
      (await replica.take(claims)).every((verdict) => verdict.admitted);
    /** By 32 at a time, each to whichever replica. @returns how many passed, and in how many seconds */
    const flood = async (requests: number, limit: Limit, on = replicas): Promise<[passed: number, seconds: number]> => {
      const began = performance.now();
      let [left, passed] = [requests, 0];
      const ask = async (): Promise<void> => {
        while (left-- > 0) if (await passes(on[left % on.length] as RedisLimiter, claim(limit, 'ana'))) passed += 1;
      };
      await Promise.all(Array.from({ length: 32 }, ask));
      return [passed, (performance.now() - began) / 1_000];
    };

    beforeAll(async () => {
      redis = await startRedis();
      control = new Redis(redis.url);
      replicas = [1, 2, 3].map(() => new RedisLimiter(redis.url, 'three'));
      await Promise.all(replicas.map((replica) => replica.onModuleInit()));
      // The first call carries the script.
      await Promise.all(replicas.map((replica) => passes(replica, claim(limitOf(10), 'nobody'))));
    });

    beforeEach(() => control.config('RESETSTAT'));

    afterAll(async () => {
      for (const replica of replicas) replica.onModuleDestroy();
      control.disconnect();
      await redis.close();
    });

    it.each([200, 600, 6_000])(
      'lets no more than %i pass of ten times as many, and nine tenths at least',
      async (count) => {
        const [passed, seconds] = await flood(10 * count, limitOf(count));
        expect(passed).toBeGreaterThanOrEqual(0.9 * count);
        expect(passed).toBeLessThanOrEqual(count * (1 + seconds / 60));
        // Who is refused costs no call, but for one by each replica when there should be one more.
        expect(await calls()).toBeLessThanOrEqual(passed + 32 * 3 + 3 * seconds * 100);
      },
    );

    it('lets exactly as many pass of one of which nothing may be taken ahead', async () => {
      const [passed] = await flood(600, { name: `exact-${randomUUID()}`, count: 60, seconds: 36_000 });
      expect(passed).toBe(60);
      expect(await calls()).toBe(600);
    });

    it('asks Redis seldom where much is asked', async () => {
      const [passed] = await flood(10_000, limitOf(1_000_000));
      expect(passed).toBe(10_000);
      expect(await calls()).toBeLessThan(1_000);
    });

    it('asks Redis once for a request at most, whatever it counts for', async () => {
      const [replica] = replicas as [RedisLimiter];
      const claims = [claim(limitOf(600), 'here'), claim(limitOf(600), 'ana'), claim(limitOf(6_000), 'company')];
      const exact = { name: `exact-${randomUUID()}`, count: 10, seconds: 60 };
      for (let n = 1; n <= 10; n++) {
        expect(await passes(replica, ...claims, claim(exact, 'ana'))).toBe(true);
        expect(await calls()).toBe(n);
      }
    });

    it('gives back what it holds for a request that another limit refuses', async () => {
      const [replica, other] = replicas as [RedisLimiter, RedisLimiter];
      const wide = claim(limitOf(600), 'here');
      const narrow = claim({ name: `narrow-${randomUUID()}`, count: 1, seconds: 60 }, 'ana');
      expect(await passes(replica, narrow)).toBe(true);
      for (let n = 0; n < 4; n++) expect(await passes(replica, wide)).toBe(true);
      const [before] = await other.take([wide]);
      for (let n = 0; n < 20; n++) {
        const verdicts = await replica.take([wide, narrow]);
        expect(verdicts.map(({ admitted }) => admitted)).toEqual([true, false]);
      }
      expect(replica.takeNow([wide])).toBeDefined();
      const [after] = await other.take([wide]);
      expect(after?.remaining).toBeGreaterThanOrEqual((before?.remaining ?? 0) - 1);
    });

    it('has room for less at once, by what comes back while a share may be spent', async () => {
      const [replica] = replicas as [RedisLimiter];
      const [verdict] = await replica.take([claim(limitOf(600), 'ana')]);
      // 600 - 2 s * 10/s - 1
      expect(verdict).toMatchObject({ admitted: true, remaining: 579 });
    });

    it('is not overdrawn when more of it is wanted than there is', async () => {
      const [replica] = replicas as [RedisLimiter];
      // 300 but for the two seconds of a share, one each 20 s; asked for by one, two, and then three at once.
      const one = claim(limitOf(300, 6_000), 'ana');
      let passed = 0;
      while (await passes(replica, one)) passed += 1;
      expect(passed).toBe(299);
    });

    it('comes back with time', async () => {
      const limit = limitOf(200, 1);
      const began = performance.now();
      const [first] = await flood(2_000, limit);
      await sleep(1_000);
      const [second] = await flood(2_000, limit);
      expect(Math.min(first, second)).toBeGreaterThanOrEqual(180);
      expect(first + second).toBeLessThanOrEqual(200 * (1 + (performance.now() - began) / 1_000));
    });

    it('loses no more than a share with a replica that dies', async () => {
      const limit = limitOf(600);
      const dying = new RedisLimiter(redis.url, 'three');
      await dying.onModuleInit();
      for (let n = 0; n < 10; n++) expect(await passes(dying, claim(limit, 'ana'))).toBe(true);
      dying.onModuleDestroy();
      const [passed, seconds] = await flood(6_000, limit);
      expect(passed + 10).toBeGreaterThanOrEqual(540);
      expect(passed + 10).toBeLessThanOrEqual(600 * (1 + seconds / 60));
    });

    it('may not be spent any more when Redis answers late', async () => {
      const [replica] = replicas as [RedisLimiter];
      // A share of it may be spent for 100 ms.
      const one = claim(limitOf(3_000, 3), 'ana');
      for (let n = 0; n < 4; n++) await passes(replica, one);
      while (replica.takeNow([one]));
      redis.pause();
      const late = passes(replica, one);
      await sleep(200);
      redis.resume();
      expect(await late).toBe(true);
      expect(replica.takeNow([one])).toBeUndefined();
    });

    it('is spent as far as it is held while Redis is away; then requests are refused, and soon', async () => {
      const [replica] = replicas as [RedisLimiter];
      const one = claim(limitOf(60_000), 'ana');
      for (let n = 0; n < 40; n++) expect(await passes(replica, one)).toBe(true);
      redis.pause();
      try {
        let held = 0;
        while (replica.takeNow([one])) held += 1;
        expect(held).toBeGreaterThan(0);
        expect(held).toBeLessThanOrEqual(600);
        const elapsed = stopwatch();
        await expect(passes(replica, one)).rejects.toMatchObject({ code: 'service_unavailable' });
        expect(elapsed()).toBeLessThan(900);
      } finally {
        redis.resume();
      }
      await waitFor(() => passes(replica, one).catch(() => false));
      for (let n = 0; n < 4; n++) await passes(replica, one);
      expect(replica.takeNow([one])).toBeDefined();
    });
  });
});
