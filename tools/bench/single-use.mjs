// @ts-check
// Single-use tokens made and used up, 32 pairs under way, in turns: through the gateway, over the bus alone (as the
// gateway asks, without HTTP and guards), and the same two scripts run in the same Redis by ioredis itself. One replica of
// each app.
// Usage, after a build: node tools/bench/single-use.mjs [--seconds 3] [--rounds 3]
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { WORKSPACE } from '../launcher/workspace.mjs';
import { companyToken, startSystem } from './system.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
const AT_ONCE = 32;
const WARM_UP_MS = 1_000;

const require = createRequire(import.meta.url);
/** @param {string} path */
const built = (path) => require(join(WORKSPACE, 'dist', path));
const { BusClient, Sealer, ServiceClient } = built('libs/messaging/src/index.js');
const { tokenServiceContract } = built('libs/contracts/src/index.js');
const { decodeError } = built('libs/service/src/index.js');
const { loadConfig, commonConfig, defineConfig } = built('libs/config/src/index.js');
const { ISSUE, PRESENT } = built('apps/token-service/src/single-use/token-scripts.js');

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** @typedef {{ rate: number, p50: number, p99: number }} Figures */

const system = await startSystem();
try {
  const ways = {
    'through the gateway': await overHttp(),
    'over the bus alone': await overBus(),
    'by ioredis itself': overRedis(),
  };
  const measured = Object.entries(ways).map(([name, way]) => ({ name, way, rounds: /** @type {Figures[]} */ ([]) }));
  for (const { way } of measured) await pairsFor(WARM_UP_MS, way.pair);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { way, rounds } of measured) rounds.push(await pairsFor(Number(values.seconds) * 1_000, way.pair));
  }
  for (const { way } of measured) await way.close();
  report(measured.map(({ name, rounds }) => ({ name, figures: median(rounds) })));
} finally {
  await system.stop();
}

/** @param {{ name: string, figures: Figures }[]} lines the last one is the baseline */
function report(lines) {
  const baseline = lines.at(-1)?.figures.rate ?? NaN;
  console.log(
    `Single-use tokens, made and used up, ${AT_ONCE} pairs under way; the ratio is to the same two scripts by ioredis itself`,
  );
  for (const {
    name,
    figures: { rate, p50, p99 },
  } of lines) {
    const shown = `${Math.round(rate)} pairs/s (p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms)`;
    console.log(`  ${name.padEnd(22)} ${shown.padEnd(52)} ratio ${(rate / baseline).toFixed(3)}`);
  }
}

/**
 * @param {number} ms
 * @param {() => Promise<unknown>} pair
 * @returns {Promise<Figures>}
 */
async function pairsFor(ms, pair) {
  const started = performance.now();
  /** @type {number[]} */
  const latencies = [];
  const one = async () => {
    for (let now = performance.now(); now - started < ms;) {
      await pair();
      const done = performance.now();
      latencies.push(done - now);
      now = done;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  const rate = (latencies.length / (performance.now() - started)) * 1_000;
  latencies.sort((a, b) => a - b);
  const at = (/** @type {number} */ part) => latencies[Math.floor(latencies.length * part)] ?? NaN;
  return { rate, p50: at(0.5), p99: at(0.99) };
}

/** @param {Figures[]} rounds */
function median(rounds) {
  return /** @type {Figures} */ (rounds.sort((a, b) => a.rate - b.rate)[rounds.length >> 1]);
}

async function overHttp() {
  const authorization = `Bearer ${await companyToken(system.base)}`;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  /** @type {(path: string, body: object, status: number) => Promise<{ token: string }>} */
  const post = (path, body, status) =>
    new Promise((resolve, reject) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const sent = request(`${system.base}/api/v1/token/${path}`, { method: 'POST', agent, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        answer.on('end', () => {
          if (answer.statusCode === status) resolve(JSON.parse(text));
          else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
        });
      });
      sent.on('error', reject).end(JSON.stringify(body));
    });
  return {
    pair: async () => {
      const { token } = await post('create', {}, 201);
      await post('validate', { token }, 200);
    },
    close: async () => agent.destroy(),
  };
}

/** Asks what the gateway asks, as the gateway. */
async function overBus() {
  const environment = { NODE_ENV: 'development', REDIS_URL: system.redisUrl, BUS_SECRET: system.secrets.BUS_SECRET };
  const config = loadConfig(defineConfig('bench', commonConfig), environment);
  const sealer = new Sealer(config.BUS_SECRET);
  const place = { redis: system.redisUrl, prefix: config.BUS_PREFIX, service: 'gateway' };
  const client = new BusClient({ ...place, sealer, decodeError, logger: silent });
  await client.connect('token-service');
  const tokens = new ServiceClient(client, tokenServiceContract);
  const ids = { user_id: randomUUID(), session_id: randomUUID(), company_id: randomUUID() };
  const actor = { ...ids, email: 'bench@example.com', role: 'owner' };
  return {
    pair: async () => {
      const { token } = await tokens.request('single-use-tokens.issue', {}, { actor });
      await tokens.request('single-use-tokens.redeem', { token }, { actor });
    },
    close: () => client.close(),
  };
}

/** What the token service asks of Redis for a pair, with names and texts as long as its own. */
function overRedis() {
  const redis = new Redis(system.redisUrl);
  const name = () => randomBytes(16).toString('base64url');
  const sealed = randomBytes(200).toString('base64url');
  /** @type {(script: { sha: string, source: string }, keys: string[], args: (string | number)[], word: string) => Promise<void>} */
  const run = async (script, keys, args, word) => {
    const ask = () => redis.evalsha(script.sha, keys.length, ...keys, ...args);
    const reply = await ask().catch(() => redis.eval(script.source, keys.length, ...keys, ...args));
    if (/** @type {unknown[]} */ (reply)[0] !== word) throw new Error(`Redis answered ${JSON.stringify(reply)}`);
  };
  return {
    pair: async () => {
      const key = `bench:tokens:{0}:${name()}`;
      const binding = name();
      const now = Date.now();
      await run(ISSUE, [key], [now, now + 10_000, now + 10_000, binding, sealed, 1, 0], 'issued');
      await run(PRESENT, [key], [now, 'redeem', 3_600_000, 1, 0, 900_000, binding, name()], 'good');
    },
    close: async () => redis.disconnect(),
  };
}
