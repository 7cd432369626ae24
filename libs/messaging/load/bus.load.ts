import { setTimeout as sleep } from 'node:timers/promises';
import { scaled } from '@puerta/testing';
import { eventually } from '../test/harness';
import { ask, codes, load, type Outcome, SLACK_MS, slowest } from '../test/load';
import { inOwnRedis, ReplicaProcess, runsOf } from '../test/processes';

const SECONDS = scaled(130);

describe('the bus, for a good while', () => {
  const scenario = inOwnRedis(async (bench, redis) => {
    const killed = new Set<string>();
    let replicas = await Promise.all([1, 2, 3].map(() => ReplicaProcess.start(bench)));
    bench.onClose(() => Promise.all(replicas.map((replica) => replica.kill())));
    const asking = [bench.sample(), bench.sample()].map((sample) => load(sample, 16, 10, 10_000));
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end;) {
      await sleep(2_000);
      const [victim, ...others] = replicas;
      if (!victim) break;
      await victim.kill();
      killed.add(victim.replica);
      replicas = [...others, await ReplicaProcess.start(bench)];
      for (const type of ['normal', 'pubsub']) await bench.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      await sleep(2_000);
      redis.freeze();
      await sleep(700);
      redis.thaw();
    }
    const outcomes: Outcome[] = (await Promise.all(asking.map((one) => one.stop()))).flat();
    expect(codes(outcomes)).toContain('ok');
    expect(['ok', 'outcome_unknown', 'service_unavailable']).toEqual(expect.arrayContaining(codes(outcomes)));
    expect(slowest(outcomes)).toBeLessThan(10_000 + SLACK_MS);

    const runs = await runsOf(bench);
    for (const { key, code } of outcomes) {
      if (code === 'ok') expect(runs.has(key)).toBe(true);
      if (code === 'service_unavailable') expect(runs.has(key)).toBe(false);
    }
    const twice = [...runs.values()].filter((who) => who.length > 1);
    for (const who of twice) for (const replica of who.slice(0, -1)) expect(killed).toContain(replica);
    await eventually(async () => (await bench.redis.xlen(bench.key('tester:fast'))) === 0, 15_000);
    await expect(ask(bench.sample(), 'after')).resolves.toMatchObject({ code: 'ok' });
  });
  it('settles every call in time and runs nothing twice but what a killed replica had begun', scenario, 180_000);
});
