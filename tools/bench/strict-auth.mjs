// @ts-check
// A cheap route behind StrictAuth, on a whole system of one replica each, against a bare node:http server that answers
// as many bytes. Both are loaded by the same client from 32 connections, in turns.
// Usage, after a build: node tools/bench/strict-auth.mjs [--seconds 3] [--rounds 3]
import autocannon from 'autocannon';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../embedded/process.mjs';
import { temporaryFolder } from '../embedded/server.mjs';
import { WORKSPACE } from '../launcher/workspace.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
});
const CONNECTIONS = 32;

const data = temporaryFolder('bench');
const port = await freePort();
const started = process.hrtime.bigint();
const system = spawn(process.execPath, [join(WORKSPACE, 'tools/start.mjs'), '--port', String(port), '--data', data, '--no-demo'], {
  env: { ...process.env, GATEWAY_RATE_LIMIT: 'off', LOG_LEVEL: 'warn', GATEWAY_LOG_LEVEL: 'warn' },
  stdio: 'ignore',
});
const base = `http://127.0.0.1:${port}`;
try {
  await untilReady();
  const token = await companyToken();
  const { company_id } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  const route = `${base}/api/v1/companies/${company_id}`;
  const authorization = `Bearer ${token}`;
  const answer = await fetch(route, { headers: { authorization } });
  const bare = await bareServer(await answer.text());
  try {
    /** @type {autocannon.Result[]} */
    const ours = [];
    /** @type {autocannon.Result[]} */
    const baseline = [];
    await load(route, { authorization }, 2); // warm
    for (let round = 0; round < Number(values.rounds); round += 1) {
      ours.push(await load(route, { authorization }, Number(values.seconds)));
      baseline.push(await load(bare.url, {}, Number(values.seconds)));
    }
    report(median(ours), median(baseline));
  } finally {
    bare.child.kill();
  }
} finally {
  system.kill('SIGTERM');
  if (system.exitCode === null) await once(system, 'exit');
  await rm(data, { recursive: true, force: true });
}

/** @param {autocannon.Result} ours @param {autocannon.Result} baseline */
function report(ours, baseline) {
  const show = (/** @type {autocannon.Result} */ { requests, latency }) =>
    `${Math.round(requests.average)}/s (p50 ${latency.p50} ms, p99 ${latency.p99} ms)`;
  const ratio = ours.requests.average / baseline.requests.average;
  console.log(`GET /companies/{id} behind StrictAuth against a bare node:http server, ${CONNECTIONS} connections`);
  console.log(`  ours ${show(ours)}  baseline ${show(baseline)}  ratio ${ratio.toFixed(3)}`);
}

/** @param {autocannon.Result[]} results by requests a second */
function median(results) {
  const sorted = results.sort((a, b) => a.requests.average - b.requests.average);
  return /** @type {autocannon.Result} */ (sorted[sorted.length >> 1]);
}

/**
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {number} seconds
 */
async function load(url, headers, seconds) {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refusals, ${result.errors} errors from ${url}`);
  return result;
}

async function untilReady() {
  while (process.hrtime.bigint() - started < 120n * 1_000_000_000n) {
    const ready = await fetch(`${base}/health/ready`).catch(() => undefined);
    if (ready?.ok) return;
    if (system.exitCode !== null) throw new Error('the system did not start');
    await sleep(100);
  }
  throw new Error('the system was not ready after two minutes');
}

/** @returns a token of a user who has made a company and acts in it */
async function companyToken() {
  const user = await post('users/register', { name: 'Bench', email: 'bench@example.com', password: 'correct horse battery' });
  const { company_id } = await post('companies', { name: 'Bench' }, user.access_token);
  const ensured = await post('users/me/ensure-company', { company_id }, user.access_token);
  return ensured.new_access_token ?? '';
}

/**
 * @param {string} path
 * @param {object} body
 * @param {string} [token]
 * @returns {Promise<Record<string, string>>}
 */
async function post(path, body, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${base}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return /** @type {Promise<Record<string, string>>} */ (response.json());
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
