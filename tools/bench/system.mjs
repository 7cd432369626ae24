// @ts-check
/** A whole system of one replica each, logging as users have it, without limits, on a Redis of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../embedded/process.mjs';
import { startRedis } from '../embedded/redis.mjs';
import { temporaryFolder } from '../embedded/server.mjs';
import { readJson } from '../launcher/data-folder.mjs';
import { WORKSPACE } from '../launcher/workspace.mjs';

const READY_MS = 120_000;

/** @typedef {Awaited<ReturnType<typeof startSystem>>} System */

/**
 * @param {string[]} [more] options of `npm start`
 * @param {NodeJS.ProcessEnv} [environ] variables of the apps
 * @returns once it serves
 */
export async function startSystem(more = [], environ = {}) {
  const data = temporaryFolder('bench');
  const port = await freePort();
  const redis = await startRedis();
  const options = ['--port', String(port), '--data', data, '--redis-url', redis.url, '--no-demo', ...more];
  const child = spawn(process.execPath, [join(WORKSPACE, 'tools/start.mjs'), ...options], {
    env: { ...process.env, GATEWAY_RATE_LIMIT: 'off', ...environ },
    stdio: 'ignore',
  });
  const base = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await rm(data, { recursive: true, force: true });
    await redis.stop();
  };
  try {
    await untilReady(base, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const { secrets } = /** @type {{ secrets: import('../embedded/services.mjs').Secrets }} */ (
    readJson(join(data, 'secrets.json'))
  );
  return { base, redisUrl: redis.url, secrets, pid: child.pid ?? 0, stop };
}

/**
 * @param {string} base
 * @param {import('node:child_process').ChildProcess} child
 */
async function untilReady(base, child) {
  for (const end = Date.now() + READY_MS; Date.now() < end; await sleep(100)) {
    const ready = await fetch(`${base}/health/ready`).catch(() => undefined);
    if (ready?.ok) return;
    if (child.exitCode !== null) throw new Error('the system did not start');
  }
  throw new Error(`the system was not ready after ${READY_MS / 1_000} s`);
}

/**
 * @param {string} base
 * @returns an access token of a user who has made a company and acts in it
 */
export async function companyToken(base) {
  const user = await post(base, 'users/register', {
    name: 'Bench',
    email: 'bench@example.com',
    password: 'correct horse battery',
  });
  const { company_id } = await post(base, 'companies', { name: 'Bench' }, user.access_token);
  const ensured = await post(base, 'users/me/ensure-company', { company_id }, user.access_token);
  return ensured.new_access_token ?? '';
}

/**
 * @param {string} base
 * @param {string} path
 * @param {object} body
 * @param {string} [token]
 * @returns {Promise<Record<string, string>>}
 */
export async function post(base, path, body, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${base}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return /** @type {Promise<Record<string, string>>} */ (response.json());
}
