import { setTimeout as sleep } from 'node:timers/promises';
import { type RedisNode, startCluster, startSentinel } from '@puerta/testing';
import { type Bench, eventually } from '../test/harness';
import { ask, codes, load, SLACK_MS, slowest } from '../test/load';
import { inServers, type Servers, unfit, untilServed } from '../test/servers';

const TTL_MS = 4_000;

const KINDS = ['Sentinels', 'a Cluster'] as const;
let servers: Readonly<Record<(typeof KINDS)[number], Servers>>;

beforeAll(async () => {
  const [sentinels, cluster] = await Promise.all([startSentinel(), startCluster()]);
  servers = { Sentinels: sentinels, 'a Cluster': cluster };
}, 60_000);

afterAll(() => Promise.all(Object.values(servers ?? {}).map((all) => all.stop())));

/** Both kinds side by side: there is more to wait for than to do. */
function onEach(what: string, test: (bench: Bench, servers: Servers) => Promise<void>): void {
  describe(what, () => {
    it.concurrent.each(KINDS)(
      'with %s',
      async (kind) => {
        try {
          await inServers(servers[kind], (bench) => test(bench, servers[kind]));
        } finally {
          await servers[kind].mend();
        }
      },
      100_000,
    );
  });
}

/** Asks all the time while something is done to the primary, and until calls have been answered again for a second. */
async function through(bench: Bench, servers: Servers, blow: (primary: RedisNode) => Promise<void>) {
  await Promise.all([
    bench.replica(async ({ wait_ms }) => sleep(wait_ms)),
    bench.replica(async ({ wait_ms }) => sleep(wait_ms)),
  ]);
  const sample = bench.sample();
  await sample.request('work.do', { key: 'warm-up' });
  const asking = load(sample, 20, 20, TTL_MS);
  await sleep(500);
  const primary = await servers.primary(bench.key());
  const struck = performance.now();
  await blow(primary);
  const [replaced, served] = await Promise.all([
    servers.successor(primary, bench.key()).then(() => performance.now() - struck),
    // What is answered before the blow is felt does not count.
    sleep(300).then(() => untilServed(sample, struck)),
  ]);
  // Those that were under way take so long at most; only then do all ask anew.
  await sleep(TTL_MS);
  const recovered = performance.now() - 500;
  const outcomes = await asking.stop();
  return { primary, replaced, served, outcomes, late: outcomes.filter(({ at }) => at > recovered) };
}

onEach(
  'goes on by itself when the primary is killed under load; every call settles in time',
  async (bench, servers) => {
    const { replaced, served, outcomes, late } = await through(bench, servers, (one) => one.kill());
    expect(unfit(outcomes)).toEqual([]);
    expect(slowest(outcomes)).toBeLessThan(TTL_MS + SLACK_MS);
    expect(codes(late)).toEqual(['ok']);
    expect(served - replaced).toBeLessThan(2_500);
    await eventually(async () => (await bench.redis.xlen(bench.key('tester:fast'))) === 0, 15_000);
  },
);

onEach(
  'goes on by itself when the primary freezes, which looks connected, and is not fooled when it wakes',
  async (bench, servers) => {
    const { primary, replaced, served, outcomes, late } = await through(bench, servers, async (one) => one.pause());
    expect(unfit(outcomes)).toEqual([]);
    expect(slowest(outcomes)).toBeLessThan(TTL_MS + SLACK_MS);
    expect(codes(late)).toEqual(['ok']);
    expect(served - replaced).toBeLessThan(2_500);
    const asking = load(bench.sample(), 10, 10, TTL_MS);
    await sleep(200);
    primary.resume();
    await sleep(2_000);
    expect(codes(await asking.stop())).toEqual(['ok']);
  },
);

onEach('goes on at once when a primary hands over in good order', async (bench, servers) => {
  const { replaced, served, outcomes, late } = await through(bench, servers, () => servers.failover(bench.key()));
  expect(unfit(outcomes)).toEqual([]);
  expect(slowest(outcomes)).toBeLessThan(TTL_MS + SLACK_MS);
  expect(codes(late)).toEqual(['ok']);
  expect(served - replaced).toBeLessThan(2_500);
});

onEach('serves a user of whose rights the nodes know', async (bench, servers) => {
  await servers.setUser('somebody', 'on', '>secret-of-somebody', `~${bench.prefix}:*`, '&*', '+@all', '-@admin');
  const redis = servers.url({ user: 'somebody', password: 'secret-of-somebody' });
  await bench.replica(async () => undefined, { redis });
  expect((await ask(bench.sample(bench.client({ redis })), 'a')).code).toBe('ok');
  const stranger = bench.client({ redis: servers.url({ user: 'somebody', password: 'wrong' }) });
  expect((await ask(bench.sample(stranger), 'b')).code).toBe('service_unavailable');
});

onEach('finds its way while all but one of those it may ask are frozen', async (bench, servers) => {
  await bench.replica();
  await ask(bench.sample(), 'warm-up');
  const primary = await servers.primary(bench.key());
  const [, ...frozen] = [...servers.asked].sort((a, b) => Number(b === primary) - Number(a === primary));
  for (const node of frozen) node.pause();
  const asked = await ask(bench.sample(), 'a', 0, 2_000);
  expect(asked).toMatchObject({ code: 'ok' });
  expect(asked.ms).toBeLessThan(800);
});
