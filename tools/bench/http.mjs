// @ts-check
// What a request costs, on a whole system of one replica each, from 32 connections, in turns, beside a bare node:http
// server. The log is as users have it: a line per answer, through the launcher into its file. Limits are off: with them
// each request takes one more round trip to Redis.
// "The guard alone" is a request to a StrictAuth route that the gateway refuses by itself, once it has let the token
// pass (422); once more without what the gateway caches (its invalidation streams are cut, so it asks identity each time).
// Usage, after a build: node tools/bench/http.mjs [--seconds 3] [--rounds 3] [--only health,qr]
import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from '../embedded/process.mjs';
import { companyToken, post, startSystem } from './system.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
  },
});
const CONNECTIONS = 32;

/** @typedef {{ name: string, goal?: number, measure: () => Promise<autocannon.Result> }} Target */

const system = await startSystem();
const control = new Redis(system.redisUrl);
const bare = await bareServer();
try {
  const targets = (await targetsOn(system.base)).filter(isWanted);
  const results = targets.map((target) => ({ ...target, rounds: /** @type {autocannon.Result[]} */ ([]) }));
  for (const { measure } of targets) await measure(); // warm
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { measure, rounds } of results) rounds.push(await measure());
  }
  report(results.map(({ rounds, ...target }) => ({ ...target, result: median(rounds) })));
} finally {
  bare.child.kill();
  control.disconnect();
  await system.stop();
}

/**
 * @param {string} base
 * @returns {Promise<Target[]>} the last one is the baseline
 */
async function targetsOn(base) {
  const token = await companyToken(base);
  const api = `${base}/api/v1`;
  const headers = { authorization: `Bearer ${token}` };
  const { card_id, scan_url = '' } = await post(base, 'cards', { holder: { name: 'Ada Lovelace' } }, token);
  const guard = () => load(`${api}/companies/none`, headers, 422);
  return [
    { name: 'GET /health', goal: 0.4, measure: () => load(`${base}/health`) },
    { name: 'the guard alone', goal: 0.3, measure: guard },
    { name: 'the guard alone, identity asked each time', measure: () => uncached(guard) },
    { name: 'GET /users/me', goal: 0.05, measure: () => load(`${api}/users/me`, headers) },
    { name: 'GET /cards/{id}', goal: 0.05, measure: () => load(`${api}/cards/${card_id}`, headers) },
    { name: 'GET /scan/{code}', goal: 0.05, measure: () => load(`${base}${new URL(scan_url).pathname}`, {}, 302) },
    { name: 'GET /cards/{id}/qr.png', goal: 0.03, measure: () => load(`${api}/cards/${card_id}/qr.png`, headers) },
    { name: 'a bare node:http server', measure: () => load(bare.url) },
  ];
}

/** @param {Target} target */
function isWanted({ name }) {
  const words = values.only.split(',');
  return name.startsWith('a bare') || words.some((word) => name.includes(word));
}

/** @param {(Target & { result: autocannon.Result })[]} lines */
function report(lines) {
  const baseline = lines.at(-1)?.result.requests.average ?? NaN;
  console.log(`HTTP, ${CONNECTIONS} connections, logged as always, limits off; the ratio is to the bare server`);
  for (const {
    name,
    goal,
    result: { requests, latency },
  } of lines) {
    const figures = `${Math.round(requests.average)}/s (p50 ${latency.p50} ms, p99 ${latency.p99} ms)`;
    const ratio = `ratio ${(requests.average / baseline).toFixed(3)}${goal ? ` (goal ${goal})` : ''}`;
    console.log(`  ${name.padEnd(44)} ${figures.padEnd(36)} ${ratio}`);
  }
}

/**
 * Cuts the gateway off from the invalidation streams while something is measured.
 * @param {() => Promise<autocannon.Result>} measure
 */
async function uncached(measure) {
  await control.call('ACL', 'SETUSER', 'default', '-xread');
  await sleep(1_000);
  try {
    return await measure();
  } finally {
    await control.call('ACL', 'SETUSER', 'default', '+xread');
    await sleep(1_500);
  }
}

/** @param {autocannon.Result[]} results by requests a second */
function median(results) {
  const sorted = results.sort((a, b) => a.requests.average - b.requests.average);
  return /** @type {autocannon.Result} */ (sorted[sorted.length >> 1]);
}

/**
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @param {number} [status] of every answer
 */
async function load(url, headers = {}, status = 200) {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: Number(values.seconds) });
  const others = Object.keys(result.statusCodeStats ?? {}).filter((code) => Number(code) !== status);
  if (others.length > 0 || result.errors > 0)
    throw new Error(`answers of ${others.join()}, ${result.errors} errors from ${url}`);
  return result;
}

/** A process of its own, as the gateway is. */
async function bareServer() {
  const port = await freePort();
  const body = JSON.stringify({ status: 'healthy', service: 'Puerta API Gateway' });
  const code = `require('node:http').createServer((_, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(${JSON.stringify(body)});
  }).listen(${port}, '127.0.0.1', () => process.send('listening'));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return { child, url: `http://127.0.0.1:${port}/` };
}
