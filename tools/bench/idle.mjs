// @ts-check
// What an installation with one replica of each app costs that nobody asks: commands that Redis runs (those inside of
// scripts included), transactions that PostgreSQL commits, and the CPU time and memory of each process.
// Usage, after a build, on Linux: node tools/bench/idle.mjs [--seconds 30]
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startPostgres } from '../embedded/postgres.mjs';
import { startSystem } from './system.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
/** Longer than any lease, and than any pause between two looks that has to do with the start. */
const SETTLE_MS = 15_000;
const TICKS_PER_SECOND = 100;
const PAGE = 4_096;

/** @typedef {{ commands: Record<string, number>, transactions: number, cpu: Record<string, { seconds: number, bytes: number }> }} Reading */

const postgres = await startPostgres();
const system = await startSystem(['--database-url', postgres.url]).catch(async (error) => {
  await postgres.stop();
  throw error;
});
const redis = new Redis(system.redisUrl);
const database = new pg.Client({ connectionString: postgres.url });
try {
  await database.connect();
  await sleep(SETTLE_MS);
  const before = await read();
  await sleep(Number(values.seconds) * 1_000);
  report(before, await read(), Number(values.seconds));
} finally {
  redis.disconnect();
  await database.end();
  await system.stop();
  await postgres.stop();
}

/** Our own questions are few, and counted before they end: one INFO and one transaction in each reading. */
async function read() {
  const info = await redis.info('commandstats');
  const commands = Object.fromEntries(
    [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]),
  );
  // Backends report what they did within a second.
  const { rows } = await database.query(
    'SELECT sum(xact_commit)::int AS commits FROM pg_stat_database WHERE datname IS NOT NULL',
  );
  return /** @type {Reading} */ ({ commands, transactions: rows[0].commits, cpu: processes(system.pid) });
}

/**
 * @param {Reading} before
 * @param {Reading} after
 * @param {number} seconds
 */
function report(before, after, seconds) {
  const rates = Object.entries(after.commands)
    .map(([name, calls]) => /** @type {[string, number]} */ ([name, (calls - (before.commands[name] ?? 0)) / seconds]))
    .filter(([name, rate]) => rate > 0 && name !== 'info')
    .sort(([, a], [, b]) => b - a);
  const total = rates.reduce((sum, [, rate]) => sum + rate, 0);
  console.log(`An installation that nobody asks, one replica of each app, ${seconds} s`);
  console.log(`  Redis       ${total.toFixed(1)} commands/s`);
  console.log(`              ${rates.map(([name, rate]) => `${name} ${rate.toFixed(1)}`).join(', ')}`);
  console.log(`  PostgreSQL  ${((after.transactions - before.transactions) / seconds).toFixed(1)} transactions/s`);
  for (const [name, { seconds: cpu, bytes }] of Object.entries(after.cpu)) {
    const share = ((cpu - (before.cpu[name]?.seconds ?? 0)) / seconds) * 100;
    console.log(
      `  ${name.padEnd(15)} ${share.toFixed(1).padStart(4)} % of a core, ${Math.round(bytes / 1_048_576)} MB`,
    );
  }
}

/**
 * The processes below another one, by the names of their apps.
 *
 * @param {number} root
 */
function processes(root) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(processOf);
  const below = new Set([root]);
  for (const { pid, parent } of all.sort((a, b) => a.pid - b.pid)) if (below.has(parent)) below.add(pid);
  return Object.fromEntries(
    all.filter(({ pid }) => below.has(pid)).map(({ name, seconds, bytes }) => [name, { seconds, bytes }]),
  );
}

/** @param {string} pid */
function processOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const name =
      /dist\/(?:apps|bundles)\/([a-z-]+)/.exec(command)?.[1] ?? (command.includes('start.mjs') ? 'launcher' : 'other');
    const [parent = 0, ticks, bytes] = [fields[1], (fields[11] ?? 0) + (fields[12] ?? 0), (fields[21] ?? 0) * PAGE];
    return [{ pid: Number(pid), parent, name, seconds: ticks / TICKS_PER_SECOND, bytes }];
  } catch {
    return [];
  }
}
