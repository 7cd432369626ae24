import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '@puerta/contracts';
import { type RedisServers, startCluster, startSentinel, waitFor } from '@puerta/testing';
import { callOf, codeOf, somebody, Tokens, type TokensReplica } from '../test/tokens';

const OWNERS = 40;
const EACH = 5;

/** A token, and how often it was used up by different calls. */
interface Made {
  readonly owner: Actor;
  readonly token: string;
  successes: number;
}

describe.each<[kind: string, start: () => Promise<RedisServers>]>([
  ['behind Sentinels', startSentinel],
  ['on a Cluster', startCluster],
])('%s', (_, start) => {
  let servers: RedisServers;
  let tokens: Tokens;
  let replicas: TokensReplica[];
  const owners = Array.from({ length: OWNERS }, () => somebody());

  beforeAll(async () => {
    servers = await start();
    tokens = new Tokens({ redis: servers.url() });
    replicas = [await tokens.replica(), await tokens.replica()];
  }, 120_000);
  afterEach(() => servers.mend(), 60_000);
  afterAll(async () => {
    await tokens?.close();
    await servers?.stop();
  });

  const one = (): TokensReplica => replicas[Math.floor(Math.random() * replicas.length)] as TokensReplica;
  const issue = async (owner: Actor): Promise<Made> => ({
    owner,
    token: (await one().issue(callOf(owner), { ttl_seconds: 600 })).token,
    successes: 0,
  });
  const redeem = async (made: Made): Promise<string> => {
    const code = await codeOf(one().redeem(callOf(made.owner), made.token));
    if (code === 'ok') made.successes += 1;
    return code;
  };
  const issueAll = async (): Promise<Made[]> =>
    Promise.all(owners.flatMap((owner) => Array.from({ length: EACH }, () => issue(owner))));
  const served = () =>
    waitFor(
      async () => (await Promise.all(owners.map((owner) => codeOf(issue(owner))))).every((code) => code === 'ok'),
      30_000,
    );

  /** Makes tokens and uses each up by three at once, until it is stopped. */
  function load() {
    const outcomes: { code: string; ms: number }[] = [];
    const made: Made[] = [];
    let stopped = false;
    const timed = async (asked: Promise<string>): Promise<void> => {
      const started = performance.now();
      const code = await asked;
      outcomes.push({ code, ms: performance.now() - started });
    };
    const running = owners.map(async (owner) => {
      while (!stopped) {
        const next = await issue(owner).catch(() => undefined);
        if (next) made.push(next);
        if (next) await Promise.all([1, 2, 3].map(() => timed(redeem(next))));
        await sleep(20);
      }
    });
    const stop = async () => {
      stopped = true;
      await Promise.all(running);
      return { outcomes, made };
    };
    return { stop };
  }

  const MAY_COME = ['ok', 'token_used', 'token_unknown', 'service_unavailable', 'outcome_unknown'];

  it.each<[how: string, away: (node: RedisServers['nodes'][number]) => unknown]>([
    ['is killed', (node) => node.kill()],
    ['freezes, is replaced, and wakes', (node) => node.pause()],
  ])(
    'where the primary %s, no token is good twice, and the service is back by itself',
    async (how, away) => {
      await served();
      const [used, live] = await Promise.all([issueAll(), issueAll()]);
      expect(new Set(await Promise.all(used.map(redeem)))).toEqual(new Set(['ok']));
      const asking = load();
      await sleep(500);
      const key = `${tokens.prefix}:tokens:{0}`;
      const primary = await servers.primary(key);
      await away(primary);
      const gone = performance.now();
      await servers.successor(primary, key);
      await served();
      const back = performance.now() - gone;
      primary.resume();
      await sleep(2_000);
      const { outcomes, made } = await asking.stop();

      for (let round = 0; round < 3; round += 1) {
        for (const code of await Promise.all(used.map(redeem))) expect(['token_used', 'token_unknown']).toContain(code);
        await Promise.all([...live, ...live].map(redeem));
      }
      expect([...used, ...live, ...made].filter(({ successes }) => successes > 1)).toEqual([]);
      const counts: Record<string, number> = {};
      for (const { code } of outcomes) counts[code] = (counts[code] ?? 0) + 1;
      const slowest = Math.max(...outcomes.map(({ ms }) => ms));
      const survived = live.filter(({ successes }) => successes === 1).length;
      console.log(
        `primary ${how}: back after ${back.toFixed(0)} ms; slowest answer ${slowest.toFixed(0)} ms; ` +
          `${survived} of ${live.length} live tokens were still good; ${JSON.stringify(counts)}`,
      );
      expect(Object.keys(counts).filter((code) => !MAY_COME.includes(code))).toEqual([]);
      expect(slowest).toBeLessThan(2_500);
    },
    120_000,
  );
});
