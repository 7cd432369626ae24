// @ts-check
/**
 * Asks identity `access.check` as the gateway does, from a process that does nothing else: 100 calls a second, whether
 * or not the last one is answered, until its parent sends it a word. Then it says how long they took.
 *
 * Usage: fork('fast-calls.mjs', [what to ask, as JSON]); BUS_SECRET and REDIS_URL as an app has them.
 */
import { createSecretKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const { BusClient, Sealer } = createRequire(import.meta.url)('../../dist/libs/messaging/src/index.js');
const { BUS_SECRET = '', REDIS_URL: redis } = process.env;
const prefix = 'bus';
const EVERY_MS = 10;

const [id = '', value = ''] = BUS_SECRET.split(':');
const key = createSecretKey(Buffer.from(value, 'base64'));
const sealer = new Sealer({ current: { id, key }, get: (/** @type {string} */ one) => (one === id ? key : undefined) });
const logger = { info() {}, warn() {}, error() {} };
const client = new BusClient({ redis, prefix, sealer, logger, service: 'gateway' });
const target = { service: 'identity', pattern: 'access.check', lane: 'fast' };
const data = JSON.parse(process.argv[2] ?? '{}');

/** @type {number[]} */
const took = [];
/** @type {Promise<void>[]} */
const open = [];
let failed = 0;

async function ask() {
  const asked = performance.now();
  await client.call(target, data, { ttlMs: 5_000 }).then(
    () => took.push(performance.now() - asked),
    () => (failed += 1),
  );
}

for (let i = 0; i < 300; i += 1) await ask(); // connections, caches and compiled code
took.length = 0;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.send?.('ready');
const timer = setInterval(() => open.push(ask()), EVERY_MS);

process.once('message', async () => {
  clearInterval(timer);
  delay.disable();
  await Promise.all(open);
  took.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => took[Math.floor(took.length * share)] ?? 0;
  process.send?.({
    calls: took.length,
    failed,
    p50: at(0.5),
    p99: at(0.99),
    most: took.at(-1),
    ownDelayP99: delay.percentile(99) / 1e6,
  });
  await client.close();
  process.disconnect();
});
// Not longer than the benchmark that started it, however that ends.
process.on('disconnect', () => process.exit());
