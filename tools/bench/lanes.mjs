// @ts-check
// Fast calls to identity (access.check, a hundred a second) while 50 people at a time log in, whose passwords are hashed on
// the slow lane; the baseline is the same calls while nobody does. 99 of 100 should take less than 20 ms either way.
// Usage, after a build: node tools/bench/lanes.mjs [--seconds 3]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { post, startSystem } from './system.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const AT_ONCE = 50;
const PASSWORD = 'correct horse battery';

/** @typedef {{ calls: number, failed: number, p50: number, p99: number, most: number, ownDelayP99: number }} FastCalls */

const system = await startSystem();
try {
  /** @type {Record<string, string>[]} */
  const people = [];
  for (let n = 0; n < 10; n += 1) {
    const email = `lanes-${n}@example.com`;
    const answer = await post(system.base, 'users/register', { name: 'Bench', email, password: PASSWORD });
    people.push({ ...answer, email });
  }
  const [, payload = ''] = String(people[0]?.['access_token']).split('.');
  const { sub, sid } = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const question = { user_id: sub, session_id: sid };

  let logins = 0;
  const logInUntil = async (/** @type {number} */ end) => {
    while (performance.now() < end) {
      const email = people[logins % people.length]?.['email'];
      await post(system.base, 'users/login', { email, password: PASSWORD });
      logins += 1;
    }
  };
  const milliseconds = Number(values.seconds) * 1_000;
  const alone = await fastCallsDuring(question, () => sleep(milliseconds));
  const beside = await fastCallsDuring(question, async () => {
    const end = performance.now() + milliseconds;
    await Promise.all(Array.from({ length: AT_ONCE }, () => logInUntil(end)));
  });
  console.log(
    `fast calls while ${AT_ONCE} at a time log in (${(logins / Number(values.seconds)).toFixed(0)} logins/s)`,
  );
  console.log(`  ours ${shown(beside)}  baseline ${shown(alone)}  ratio ${(beside.p99 / alone.p99).toFixed(2)}`);
} finally {
  await system.stop();
}

/** @param {FastCalls} calls */
function shown({ p50, p99, most, failed }) {
  const [half, all, longest] = [p50, p99, most].map((ms) => ms.toFixed(1));
  return `p50 ${half} ms, p99 ${all} ms, longest ${longest} ms, ${failed} failed`;
}

/**
 * Asks from a process of its own, for as long as the work goes on.
 *
 * @param {object} question
 * @param {() => Promise<unknown>} work
 * @returns {Promise<FastCalls>}
 */
async function fastCallsDuring(question, work) {
  const env = { PATH: process.env['PATH'], REDIS_URL: system.redisUrl, BUS_SECRET: system.secrets.BUS_SECRET };
  const child = fork(join(import.meta.dirname, 'fast-calls.mjs'), [JSON.stringify(question)], { env });
  try {
    await once(child, 'message');
    await work();
    child.send('enough');
    const [result] = await once(child, 'message');
    return result;
  } finally {
    child.kill();
  }
}
