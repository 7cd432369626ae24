// @ts-check
// A request that the gateway forwards, with StrictAuth by ES256 tokens and a line in the log for each, as users have it: 32
// connections, answers of 1 KiB, one gateway process. Beside it, in turns: the service itself, a bare undici proxy,
// @fastify/reply-from, and nginx where the machine has one.
// Usage, after a build: node tools/bench/proxy.mjs [--seconds 3] [--rounds 3]
import autocannon from 'autocannon';
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../embedded/process.mjs';
import { WORKSPACE } from '../launcher/workspace.mjs';
import { companyToken, startSystem } from './system.mjs';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '10000' },
  },
});
const CONNECTIONS = 32;
const PATH = '/api/v1/query/chats';
/** V8 goes on compiling for about so long under load; who serves users has that behind it. */
const WARM_SECONDS = 8;
/** As many a minute as one can ask for: all limits are counted, and none refuses. */
const LIMITS = { GATEWAY_RATE_LIMIT: 'on', ...perMinute(1_000_000) };

/** @typedef {{ name: string, url: string, tokens: readonly string[], pid?: number, goal?: number }} Target */

const children = /** @type {import('node:child_process').ChildProcess[]} */ ([]);
const service = await server('upstream');
const undici = await server('undici', service.url);
const replyFrom = await server('reply-from', service.url);
const nginx = await nginxBefore(service.url);

const environ = { GATEWAY_QUERY_SERVICE_URL: service.url };
const system = await startSystem([], environ);
try {
  const token = await companyToken(system.base);
  const many = await tokensLike(token, Number(values.tokens));
  const gateway = { url: system.base, pid: gatewayOf(system.pid) };
  const bare = { name: 'a bare undici proxy', ...undici, tokens: [token] };
  await compare('Throughput, without limits', bare, [
    { name: 'the gateway, 1 token', ...gateway, tokens: [token], goal: 0.7 },
    { name: '@fastify/reply-from', ...replyFrom, tokens: [token] },
    ...(nginx ? [{ name: 'nginx, one worker', ...nginx, tokens: [token] }] : []),
    { name: 'the service itself', ...service, tokens: [token] },
  ]);
  await compare('Throughput, without limits, each request with the next token', { ...bare, tokens: many }, [
    { name: `the gateway, ${many.length} tokens`, ...gateway, tokens: many, goal: 0.7 },
  ]);
  await addedLatency(gateway.url, token);
  await openConnections(gateway, token);
} finally {
  await system.stop();
}

const limited = await startSystem([], { ...environ, ...LIMITS });
try {
  const token = await companyToken(limited.base);
  await compare('Throughput, with all limits', { name: 'a bare undici proxy', ...undici, tokens: [token] }, [
    { name: 'the gateway', url: limited.base, pid: gatewayOf(limited.pid), tokens: [token], goal: 0.5 },
  ]);
} finally {
  await limited.stop();
  for (const child of children) child.kill();
}

/**
 * @param {string} title
 * @param {Target} baseline
 * @param {Target[]} others
 */
async function compare(title, baseline, others) {
  const lines = [baseline, ...others].map((target) => ({
    target,
    rates: /** @type {number[]} */ ([]),
    cores: 0,
    p99: 0,
  }));
  for (const { target } of lines) await load(target, WARM_SECONDS);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const line of lines) {
      const before = cpuSeconds(line.target.pid);
      const result = await load(line.target, Number(values.seconds));
      line.rates.push(result.requests.average);
      line.cores += (cpuSeconds(line.target.pid) - before) / result.duration / Number(values.rounds);
      line.p99 = result.latency.p99;
    }
  }
  const base = median(lines[0]?.rates ?? []);
  console.log(`${title} (${CONNECTIONS} connections, 1 KiB)`);
  for (const { target, rates, cores, p99 } of lines) {
    const rate = median(rates);
    const ofCore = target.pid ? `, ${Math.round(rate / cores)}/s per core` : '';
    const ratio = `ratio ${(rate / base).toFixed(3)}${target.goal ? ` (goal ${target.goal})` : ''}`;
    console.log(`  ${target.name.padEnd(30)} ${`${Math.round(rate)}/s${ofCore} (p99 ${p99} ms)`.padEnd(48)} ${ratio}`);
  }
}

/**
 * @param {Target} target
 * @param {number} seconds
 */
async function load({ url, tokens }, seconds) {
  let next = 0;
  const result = await autocannon({
    url: `${url}${PATH}`,
    connections: CONNECTIONS,
    duration: seconds,
    ...(tokens.length === 1
      ? { headers: { authorization: `Bearer ${tokens[0]}` } }
      : {
          requests: [
            {
              setupRequest: (request) => ({
                ...request,
                headers: { ...request.headers, authorization: `Bearer ${tokens[next++ % tokens.length]}` },
              }),
            },
          ],
        }),
  });
  const others = Object.keys(result.statusCodeStats ?? {}).filter((code) => code !== '200');
  if (others.length > 0 || result.errors > 0)
    throw new Error(`${url}: answers of ${others.join()}, ${result.errors} errors`);
  return result;
}

/**
 * What the way through the gateway adds to an answer, at 500 requests a second, evenly spaced.
 * @param {string} gateway
 * @param {string} token
 */
async function addedLatency(gateway, token) {
  console.log('Latency at 500 requests a second');
  const direct = await paced(service.url, token);
  const through = await paced(gateway, token);
  const line = (/** @type {number[]} */ all) => `p50 ${at(all, 0.5).toFixed(2)} ms, p99 ${at(all, 0.99).toFixed(2)} ms`;
  console.log(`  the service itself             ${line(direct)}`);
  console.log(`  through the gateway            ${line(through)}`);
  console.log(`  added p99                      ${(at(through, 0.99) - at(direct, 0.99)).toFixed(2)} ms (goal 3)`);
}

/**
 * @param {string} url
 * @param {string} token
 * @returns milliseconds of each request, sorted
 */
async function paced(url, token) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const count = 500 * Number(values.seconds);
  const begin = performance.now();
  const all = /** @type {Promise<number>[]} */ ([]);
  while (all.length < count) {
    while (all.length < count && performance.now() - begin >= all.length * 2) all.push(once1(url, token, agent));
    await sleep(1);
  }
  const times = await Promise.all(all);
  agent.destroy();
  return times.slice(100).sort((a, b) => a - b);
}

/**
 * @param {string} url
 * @param {string} token
 * @param {Agent} agent
 * @returns {Promise<number>}
 */
function once1(url, token, agent) {
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    get(`${url}${PATH}`, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().once('end', () => resolve(performance.now() - begin));
    }).once('error', reject);
  });
}

/**
 * @param {{ url: string, pid: number }} gateway
 * @param {string} token
 */
async function openConnections({ url, pid }, token) {
  const before = residentMiB(pid);
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });
  for (let round = 0; round < 5; round += 1)
    await Promise.all(Array.from({ length: 1_000 }, () => once1(url, token, agent)));
  console.log(`Memory of the gateway: ${before} MiB, and ${residentMiB(pid)} MiB with 1,000 open connections`);
  agent.destroy();
}

/**
 * The same user's, but each of its own: whoever verifies them must do so for each.
 * @param {string} token
 * @param {number} count
 */
async function tokensLike(token, count) {
  const tokens = /** @type {string[]} */ ([]);
  const more = async () => {
    while (tokens.length < count) {
      const response = await fetch(`${system.base}/api/v1/users/me/ensure-company`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      const { new_access_token } = /** @type {{ new_access_token: string }} */ (await response.json());
      tokens.push(new_access_token);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, more));
  return tokens;
}

/**
 * @param {string} name
 * @param {string[]} more
 */
async function server(name, ...more) {
  const child = fork(join(WORKSPACE, 'tools/bench/proxies.mjs'), [name, ...more]);
  children.push(child);
  const [port] = await once(child, 'message');
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 };
}

/** @param {string} origin */
async function nginxBefore(origin) {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'puerta-nginx-'));
  const port = await freePort();
  const { host } = new URL(origin);
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; events { worker_connections 1024; }
    http { access_log off; upstream service { server ${host}; keepalive 200; }
      server { listen 127.0.0.1:${port}; location / {
        proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  children.push(child);
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await sleep(500);
  return { url: `http://127.0.0.1:${port}` };
}

/** @param {number} launcher @returns the gateway that it has started */
function gatewayOf(launcher) {
  const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').match(/gateway/));
  if (!found) throw new Error('the launcher has no gateway');
  return found;
}

/** @param {number} [pid] */
function cpuSeconds(pid) {
  if (!pid) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** @param {number} pid */
function residentMiB(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}

/** @param {number[]} numbers */
function median(numbers) {
  return at(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );
}

/**
 * @param {number[]} sorted
 * @param {number} part
 */
function at(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** @param {number} count */
function perMinute(count) {
  return Object.fromEntries(
    ['ADDRESS', 'USER', 'COMPANY'].map((whose) => [`GATEWAY_RATE_LIMIT_PER_${whose}`, String(count)]),
  );
}
