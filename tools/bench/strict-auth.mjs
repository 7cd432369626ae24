// @ts-check
// Routes behind the guards, on a whole system of one replica each, from 32 connections, in turns:
//   GET /companies/{id}, for whose answer identity is asked, and
//   the guard alone: a request that the gateway refuses by itself once it has let the token pass (422),
// each with what the gateway keeps of tokens and users, and without it (its invalidation streams are cut, so it asks identity each
// time); against a bare node:http server that answers as many bytes, and the gateway's own GET /health, which nobody
// guards. Limits are off: with them each request takes one more round trip to Redis.
// Usage, after a build: node tools/bench/strict-auth.mjs [--seconds 3] [--rounds 3]
import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from '../embedded/process.mjs';
import { companyToken, startSystem } from './system.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
const CONNECTIONS = 32;

const system = await startSystem();
const control = new Redis(system.redisUrl);
const { base } = system;
try {
  const token = await companyToken(base);
  const { company_id } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const route = `${base}/api/v1/companies/${company_id}`;
  const authorization = `Bearer ${token}`;
  const answer = await fetch(route, { headers: { authorization } });
  const bare = await bareServer(await answer.text());
  try {
    const guard = `${base}/api/v1/companies?limit=none`;
    const targets = {
      'GET /companies/{id}, token and user known': () => load(route, { authorization }),
      'GET /companies/{id}, identity asked each time': () => unfed(() => load(route, { authorization })),
      'the guard alone, token and user known': () => load(guard, { authorization }, 422),
      'the guard alone, identity asked each time': () => unfed(() => load(guard, { authorization }, 422)),
      'GET /health, not guarded': () => load(`${base}/health`, {}),
      'a bare node:http server': () => load(bare.url, {}),
    };
    await load(route, { authorization }); // warm
    const results = Object.entries(targets).map(([name, measure]) => ({ name, measure, rounds: [] }));
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const { measure, rounds } of results) /** @type {autocannon.Result[]} */ (rounds).push(await measure());
    }
    report(results.map(({ name, rounds }) => ({ name, result: median(rounds) })));
  } finally {
    bare.child.kill();
  }
} finally {
  control.disconnect();
  await system.stop();
}

/** @param {{ name: string, result: autocannon.Result }[]} lines the last one is the baseline */
function report(lines) {
  const baseline = lines.at(-1)?.result.requests.average ?? NaN;
  console.log(`Routes behind the guards, ${CONNECTIONS} connections, limits off; the ratio is to the bare server`);
  for (const { name, result: { requests, latency } } of lines) {
    const figures = `${Math.round(requests.average)}/s (p50 ${latency.p50} ms, p99 ${latency.p99} ms)`;
    console.log(`  ${name.padEnd(48)} ${figures.padEnd(36)} ratio ${(requests.average / baseline).toFixed(3)}`);
  }
}

/**
 * Cuts the gateway off from the invalidation streams while something is measured.
 * @param {() => Promise<autocannon.Result>} measure
 */
async function unfed(measure) {
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
 * @param {Record<string, string>} headers
 * @param {number} [status] of every answer
 */
async function load(url, headers, status = 200) {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: Number(values.seconds) });
  const others = Object.keys(result.statusCodeStats ?? {}).filter((code) => Number(code) !== status);
  if (others.length > 0 || result.errors > 0) throw new Error(`answers of ${others.join()}, ${result.errors} errors from ${url}`);
  return result;
}

/** A process of its own, as the gateway is. @param {string} body */
async function bareServer(body) {
  const own = await freePort();
  const code = `require('node:http').createServer((_, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(${JSON.stringify(body)});
  }).listen(${own}, '127.0.0.1', () => process.send('listening'));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return { child, url: `http://127.0.0.1:${own}/` };
}
