import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterServers, startCluster } from '@puerta/testing';
import { ask, codes, load, SLACK_MS, slowest } from '../test/load';
import { inServers, unfit, untilServed } from '../test/servers';
import { hashSlot } from '../src/connection/hash-slot';

const TTL_MS = 4_000;

describe('on a Cluster', () => {
  let servers: ClusterServers;
  /** A callee for each primary: names whose slots are in the first, the second and the last third. */
  const callees = [0, 1, 2].map((third) => {
    const names = Array.from({ length: 100 }, (_, n) => `callee-${n}`);
    return names.find((name) => Math.floor(hashSlot(name) / (16_384 / 3)) === third) ?? '';
  });

  beforeAll(async () => {
    servers = await startCluster();
  }, 60_000);
  afterEach(() => servers.mend(), 40_000);
  afterAll(() => servers?.stop());

  it('agrees with Redis about slots', async () => {
    const [node] = servers.nodes;
    for (const key of ['a', 'bus:{identity}:gateway:fast', '{}x', 'a{b}{c}', 'é{ñ}', '{{a}']) {
      expect([key, hashSlot(key)]).toEqual([key, await node?.ask('CLUSTER', 'KEYSLOT', key)]);
    }
  });

  it(
    'asks callees on all nodes; where one node is away, calls to the others do not notice',
    () =>
      inServers(servers, async (bench) => {
        for (const name of callees) await bench.replica(async ({ wait_ms }) => sleep(wait_ms), {}, name);
        const client = bench.client();
        await client.connect(...callees);
        expect(client.ready).toBe(true);
        const asking = callees.map((name) => load(bench.sample(client, name), 5, 10, TTL_MS));
        await sleep(300);
        const primary = await servers.primary(`{${callees[1]}}`);
        await primary.kill();
        await servers.successor(primary, `{${callees[1]}}`);
        await untilServed(bench.sample(client, callees[1]), 0);
        const recovered = performance.now();
        // Those that were under way take so long at most; only then do all ask anew.
        await sleep(TTL_MS);
        const [first, struck, last] = await Promise.all(asking.map((one) => one.stop()));
        expect([codes(first ?? []), codes(last ?? [])]).toEqual([['ok'], ['ok']]);
        expect(slowest([...(first ?? []), ...(last ?? [])])).toBeLessThan(1_000);
        expect(unfit(struck ?? [])).toEqual([]);
        expect(Math.max(...(struck ?? []).map(({ waited }) => waited))).toBeGreaterThan(1_000);
        expect(codes((struck ?? []).filter(({ at }) => at > recovered))).toEqual(['ok']);
      }),
    60_000,
  );

  it(
    'asks nodes that it was not told of when those that it was told of are away',
    () =>
      inServers(servers, async (bench) => {
        const primary = await servers.primary('{sample}');
        const redis = `redis-cluster://:${primary.password}@127.0.0.1:${primary.port}`;
        await bench.replica(async () => undefined, { redis });
        const sample = bench.sample(bench.client({ redis }));
        expect((await ask(sample, 'a')).code).toBe('ok');
        await primary.kill();
        await servers.successor(primary, '{sample}');
        await untilServed(sample, 0);
      }),
    60_000,
  );

  it(
    'goes on while a slot moves to another node, key by key: calls settle in time, and what is refused was not run',
    () =>
      inServers(servers, async (bench) => {
        const runs = new Map<string, number>();
        await bench.replica(async ({ key, wait_ms }) => {
          runs.set(key, (runs.get(key) ?? 0) + 1);
          await sleep(wait_ms);
        });
        const asking = load(bench.sample(), 20, 10, TTL_MS);
        await sleep(300);
        const others = [];
        for (const name of callees) others.push(await servers.primary(`{${name}}`));
        const from = await servers.primary(bench.key());
        const to = others.find((node) => node !== from);
        if (!to) throw new Error('all slots on one node');
        await servers.moveSlot(bench.key(), to);
        const moved = performance.now();
        await sleep(2_000);
        const outcomes = await asking.stop();
        expect(await servers.primary(bench.key())).toBe(to);
        expect(unfit(outcomes)).toEqual([]);
        expect(slowest(outcomes)).toBeLessThan(TTL_MS + SLACK_MS);
        expect(codes(outcomes.filter(({ at }) => at > moved + 1_000))).toEqual(['ok']);
        for (const { key, code } of outcomes) if (code === 'service_unavailable') expect(runs.has(key)).toBe(false);
        expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
        await servers.moveSlot(bench.key(), from);
      }),
    60_000,
  );
});
