// Compares the bus with Nest's built-in Redis transport in one run on one machine, and three replicas with one.
// Usage, after a build: node libs/messaging/bench/bus.mjs [--json] [--seconds 3] [--rounds 3]   (REDIS_URL: a Redis to use)
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startRedis } from '../../../tools/embedded/redis.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
  },
});
/** As a rule; and few enough that it is the bound of a replica, not the machine, that is measured. */
const AT_ONCE = 64;
const FEW_AT_ONCE = 8;
const WAIT_MS = 5;

const own = process.env.REDIS_URL ? undefined : await startRedis();
const url = process.env.REDIS_URL ?? own.url;
const results = [];
try {
  for (const concurrency of [1, 32]) {
    const setup = { replicas: 1, concurrency, waitMs: 0 };
    const [bus, nest] = await medians({ ...setup, transport: 'bus' }, { ...setup, transport: 'nest' });
    report(`the bus against Nest's Redis transport, ${concurrency} under way`, bus, nest);
  }
  for (const waitMs of [WAIT_MS, 0]) {
    const work = waitMs ? `a handler that waits ${waitMs} ms` : 'a cheap handler';
    const setup = { transport: 'bus', concurrency: 96, waitMs, atOnce: waitMs ? FEW_AT_ONCE : AT_ONCE };
    const [three, one] = await medians({ ...setup, replicas: 3 }, { ...setup, replicas: 1 });
    report(`three replicas against one, ${work}, ${setup.atOnce} at once each, 96 under way`, three, one);
  }
} finally {
  await own?.stop();
}
if (options.json) console.log(JSON.stringify(results, undefined, 2));

function report(name, ours, baseline) {
  const ratio = ours.rate / baseline.rate;
  results.push({ name, ours, baseline, ratio });
  if (options.json) return;
  const show = ({ rate, p50, p99 }) => `${Math.round(rate)}/s (p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms)`;
  console.log(`${name}\n  ours ${show(ours)}  baseline ${show(baseline)}  ratio ${ratio.toFixed(2)}`);
}

/** Rounds take turns, so that a machine that slows down slows both. */
async function medians(...setups) {
  const rounds = setups.map(() => []);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const [i, setup] of setups.entries()) rounds[i].push(await measure(setup));
  }
  return rounds.map((figures) => figures.sort((a, b) => a.rate - b.rate)[figures.length >> 1]);
}

async function measure({ transport, replicas, concurrency, waitMs, atOnce = AT_ONCE }) {
  const prefix = `bench-${randomBytes(6).toString('hex')}`;
  const callees = [];
  try {
    for (let i = 0; i < replicas; i += 1) callees.push(start('callee.mjs', transport, url, prefix, atOnce));
    await Promise.all(callees.map((callee) => once(callee, 'message')));
    const caller = start('caller.mjs', transport, url, prefix, concurrency, waitMs, options.seconds);
    const [figures] = await Promise.race([once(caller, 'message'), failed(caller)]);
    return figures;
  } finally {
    for (const callee of callees) callee.send('close');
    await Promise.all(callees.map((callee) => callee.exitCode ?? once(callee, 'exit')));
  }
}

function start(script, ...args) {
  return fork(new URL(script, import.meta.url), args.map(String), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function failed(child) {
  const [code] = await once(child, 'exit');
  throw new Error(`the caller ended with ${code} before it had measured`);
}
