import {
  RUNS,
  startCluster,
  startPostgres,
  startPuerta,
  startSentinel,
  type Puerta,
  type RedisServers,
  type TestPostgres,
} from '@puerta/testing';
import { issueMany } from '../src/support/load';
import { administrator } from '../src/support/people';
import { Random } from '../src/support/random';
import { query } from '../src/support/rows';
import { Chaos } from '../src/support/chaos';

/** A run of a few has fewer commands too: what happens to the installation in one is the same. */
const COMMANDS = RUNS < 20 ? 3_000 : 10_000;
const CALLERS = 32;
const ON_CLUSTER = Math.floor(RUNS / 3);
/** A call lives for 10 s; what HTTP adds on a machine that is busy with starting processes. */
const LONGEST_MS = 12_000;

const firstSeed = Number(process.env['PUERTA_TEST_SEED'] ?? Date.now() % 1_000_000);

/** What PostgreSQL holds of a company: each command wrote one card, under a name of its own. */
async function effects(url: string, companyId: string) {
  const [row] = await query<{ cards: string; commands: string }>(
    url,
    'SELECT count(*) AS cards, count(DISTINCT holder_name) AS commands FROM card_issuer.cards WHERE company_id = $1',
    [companyId],
  );
  return { cards: Number(row?.cards), commands: Number(row?.commands) };
}

describe.each([
  ['Sentinels', startSentinel, RUNS - ON_CLUSTER],
  ['a Cluster', startCluster, ON_CLUSTER],
] as const)('under chaos, on %s', (_kind, startServers, runs) => {
  let redis: RedisServers;
  let postgres: TestPostgres;
  let puerta: Puerta;

  beforeAll(async () => {
    [redis, postgres] = await Promise.all([startServers(), startPostgres()]);
    const replicas = { gateway: 2, identity: 3, 'card-issuer': 3, 'token-service': 3 };
    puerta = await startPuerta({ redis, databaseUrl: postgres.url, replicas, env: { LOG_LEVEL: 'warn' } });
    // Each run begins with one replica of each service.
    for (const app of ['identity', 'card-issuer', 'token-service'] as const) {
      for (const replica of puerta.replicas[app].slice(1)) await replica.stop();
    }
  }, 180_000);

  afterAll(async () => {
    await puerta?.stop();
    await Promise.all([redis?.stop(), postgres?.close()]);
  }, 60_000);

  const seeds = Array.from({ length: runs }, (_, n) => firstSeed + n);

  it.each(seeds)(
    `has exactly ${COMMANDS} effects of ${COMMANDS} commands, no call unsettled past its time (seed %i)`,
    async (seed) => {
      const admin = await administrator(puerta.api(), `Chaos ${seed}`);
      const chaos = new Chaos(puerta, redis, postgres, COMMANDS, new Random(seed));
      const began = performance.now();
      const { cards, failures, longestMs } = await issueMany(puerta, admin.token, {
        commands: COMMANDS,
        callers: CALLERS,
        onProgress: (done) => chaos.progress(done),
      });
      const seconds = (performance.now() - began) / 1_000;
      await chaos.over();
      const found = await effects(puerta.database.url, admin.companyId);
      console.log(
        `seed ${seed}: ${seconds.toFixed(1)} s, ${failures.length} retries, longest wait ${(longestMs / 1_000).toFixed(1)} s, ` +
          `${found.cards} effects, ${found.cards - found.commands} doubled`,
      );
      expect([...new Set(failures)].filter((failure) => !/^(?:50[34]|0) /.test(failure))).toEqual([]);
      expect(new Set(cards.map((card) => card.card_id)).size).toBe(COMMANDS);
      expect(new Set(cards.map((card) => card.number)).size).toBe(COMMANDS);
      expect(found).toEqual({ cards: COMMANDS, commands: COMMANDS });
      expect(longestMs).toBeLessThan(LONGEST_MS);
    },
  );
});
