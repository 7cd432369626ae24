import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '@puerta/testing';
import { type Bench, eventually, inBench, rejection } from '../../test/harness';
import { ask, codes, load, neverTwice, SLACK_MS, slowest } from '../../test/load';
import { inOwnRedis } from '../../test/processes';

/** Two replicas in this process, which count the runs of each message. */
async function counted(bench: Bench): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  const handle = async ({ wait_ms }: { wait_ms?: number }, { messageId }: { messageId: string }) => {
    runs.set(messageId, (runs.get(messageId) ?? 0) + 1);
    await sleep(wait_ms);
  };
  await Promise.all([bench.replica(handle), bench.replica(handle)]);
  return runs;
}

/** How a call may end while Redis comes and goes. */
const SOUND = ['ok', 'outcome_unknown', 'service_unavailable'];

describe('with no replica there', () => {
  const nobody = inBench(async (bench) => {
    const outcomes = await Promise.all(['a', 'b'].map((key) => ask(bench.sample(), key)));
    expect(codes(outcomes)).toEqual(['service_unavailable']);
    expect(slowest(outcomes)).toBeLessThan(2_000);
    let runs = 0;
    await bench.replica(async () => void (runs += 1));
    await sleep(300);
    expect(runs).toBe(0);
  });
  it.concurrent('a call fails within two seconds, and is not run when one comes later', nobody);

  const nothing = inBench(async (bench) => {
    const client = bench.client({ redis: 'redis://127.0.0.1:1' });
    const first = await ask(bench.sample(client), 'a');
    expect(first.code).toBe('service_unavailable');
    expect(first.ms).toBeLessThan(2_000);
    const second = await ask(bench.sample(client), 'b');
    expect(second.code).toBe('service_unavailable');
    expect(second.ms).toBeLessThan(100);
    await expect(client.presence('sample')).rejects.toMatchObject({ code: 'service_unavailable' });
  });
  it.concurrent('nor a Redis, a call fails within two seconds, and at once when that has lasted', nothing);
});

describe('Redis', () => {
  const restarted = inOwnRedis(async (bench, redis) => {
    const runs = await counted(bench);
    const sample = bench.sample();
    const asking = load(sample, 20, 20, 3_000);
    await sleep(500);
    await redis.stop();
    await sleep(200);
    const soon = Promise.all(['a', 'b'].map((key) => ask(sample, key)));
    await sleep(1_500);
    const late = await Promise.all(['c', 'd'].map((key) => ask(sample, key)));
    await redis.start();
    const elapsed = stopwatch();
    await eventually(async () => (await ask(sample, 'probe', 0, 1_000)).code === 'ok', 5_000);
    expect(elapsed()).toBeLessThan(5_000);
    await sleep(1_000);
    const recovered = performance.now() - 500;
    const outcomes = await asking.stop();

    expect(codes([...(await soon), ...late])).toEqual(['service_unavailable']);
    expect(slowest(await soon)).toBeLessThan(1_700);
    expect(slowest(late)).toBeLessThan(200);
    expect(slowest(outcomes)).toBeLessThan(3_000 + SLACK_MS);
    expect(SOUND).toEqual(expect.arrayContaining(codes(outcomes)));
    expect(codes(outcomes.filter(({ at }) => at > recovered))).toEqual(['ok']);
    neverTwice(runs);
  });
  it.concurrent(
    'stopped and started under load: calls fail in time, and within five seconds it goes on by itself',
    restarted,
    30_000,
  );

  const away = inOwnRedis(async (bench, redis) => {
    let runs = 0;
    const handle = async () => {
      runs += 1;
      await sleep(11_000);
    };
    await Promise.all([bench.replica(handle), bench.replica(handle)]);
    const call = rejection(bench.sample().request('work.do', { key: 'slow' }, { ttlMs: 2_000 }));
    await sleep(200);
    await redis.stop();
    await sleep(5_500);
    await redis.start();
    expect((await call).code).toBe('outcome_unknown');
    await eventually(async () => (await bench.redis.xlen(bench.key('tester:fast'))) === 0, 9_000);
    expect(runs).toBe(1);
  });
  it.concurrent('away for longer than a lease makes no replica look dead that lives', away, 30_000);

  const frozen = inOwnRedis(async (bench, redis) => {
    const runs = await counted(bench);
    const sample = bench.sample();
    await sample.request('work.do', { key: 'warm-up' });
    redis.freeze();
    const first = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(sample, `first-${i}`, 0, 1_500)));
    expect(codes(first)).toEqual(['outcome_unknown']);
    expect(slowest(first)).toBeLessThan(1_500 + SLACK_MS);
    await sleep(1_000);
    const noticed = await Promise.all(Array.from({ length: 10 }, (_, i) => ask(sample, `noticed-${i}`)));
    expect(codes(noticed)).toEqual(['service_unavailable']);
    expect(slowest(noticed)).toBeLessThan(1_700);
    redis.thaw();
    const elapsed = stopwatch();
    const before = runs.size;
    let probes = 0;
    await eventually(async () => (await ask(sample, `probe-${(probes += 1)}`, 0, 1_000)).code === 'ok');
    expect(elapsed()).toBeLessThan(5_000);
    await sleep(500);
    // Only probes: nothing of what was sent into the ice.
    expect(runs.size - before).toBeLessThanOrEqual(probes);
    neverTwice(runs);
  });
  it.concurrent(
    'frozen: calls fail in time, and what it finds in its sockets when it wakes is not run too late',
    frozen,
    30_000,
  );

  const emptied = inOwnRedis(async (bench) => {
    const runs = await counted(bench);
    const sample = bench.sample();
    const asking = load(sample, 20, 20, 3_000);
    for (let i = 0; i < 3; i += 1) {
      await sleep(300);
      await bench.redis.multi().flushall().script('FLUSH').exec();
    }
    await eventually(async () => (await ask(sample, 'probe', 0, 1_000)).code === 'ok');
    // What is sent together may be lost together, and all who ask wait for it.
    await sleep(3_000 + SLACK_MS);
    const recovered = performance.now() - 500;
    const outcomes = await asking.stop();
    expect(slowest(outcomes)).toBeLessThan(3_000 + SLACK_MS);
    expect(codes(outcomes.filter(({ at }) => at > recovered))).toEqual(['ok']);
    neverTwice(runs);
  });
  it.concurrent('emptied under load: calls settle, and it goes on', emptied, 30_000);

  const flapping = inOwnRedis(async (bench) => {
    const runs = await counted(bench);
    const sample = bench.sample();
    const asking = load(sample, 20, 10, 4_000);
    for (let i = 0; i < 12; i += 1) {
      await sleep(250);
      for (const type of ['normal', 'pubsub']) await bench.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
    }
    await sleep(1_000);
    const outcomes = await asking.stop();
    expect(codes(outcomes)).toContain('ok');
    expect(SOUND).toEqual(expect.arrayContaining(codes(outcomes)));
    expect(slowest(outcomes)).toBeLessThan(4_000 + SLACK_MS);
    neverTwice(runs);
    await eventually(async () => (await bench.redis.xlen(bench.key('tester:fast'))) === 0);
  });
  it.concurrent(
    'that drops all connections, again and again: calls settle, nothing runs twice, nothing is left behind',
    flapping,
    30_000,
  );

  const isolated = inOwnRedis(async (bench) => {
    const runs = await counted(bench);
    const sample = bench.sample();
    await sample.request('work.do', { key: 'warm-up' });
    await bench.redis.config('SET', 'min-replicas-to-write', '1');
    const outcomes = await Promise.all(['a', 'b', 'c'].map((key) => ask(sample, key)));
    expect(codes(outcomes)).toEqual(['service_unavailable']);
    expect(slowest(outcomes)).toBeLessThan(2_000);
    await bench.redis.config('SET', 'min-replicas-to-write', '0');
    await eventually(async () => (await ask(sample, 'probe', 0, 1_000)).code === 'ok');
    neverTwice(runs);
  });
  it.concurrent(
    'that lost touch with its replicas and takes nothing: calls fail at once, and go on when it does',
    isolated,
    30_000,
  );
});
