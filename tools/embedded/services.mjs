// @ts-check
/** The apps as they are run on one machine: what each needs, its process, and when it is ready. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import manifest from '../../libs/contracts/src/core/services.json' with { type: 'json' };
import { recordOf, signalUntilGone } from './process.mjs';

/** @typedef {typeof manifest} Manifest */
/** @typedef {keyof Manifest} App */
/** @typedef {{ [A in App]: Manifest[A] extends { database: string } ? A : never }[App]} Owner an app with a database */
/** @typedef {Record<Owner, string>} DatabaseUrls */
/** @typedef {{ [A in App]: Manifest[A] extends { secrets: infer S } ? keyof S : never }[App] | 'BUS_SECRET'} SecretName */
/** @typedef {Record<SecretName, string>} Secrets of an installation, as the apps read them; BUS_SECRET is the same for all */

/**
 * @typedef {object} Service what the manifest says of an app
 * @property {string} [database] its schema, which is also part of its role's name
 * @property {Record<string, string>} [secrets] those that it alone has; a keyring begins with the id of its key
 * @property {number} [port] of its public HTTP server
 * @property {boolean} [files] whether it keeps files
 * @property {string[]} [redis] what it does in Redis beside the bus
 */

/** @type {Readonly<Record<App, Service>>} */
export const SERVICES = manifest;

/** Callees before callers, so that the first one asked finds an answer. */
export const APPS = /** @type {App[]} */ (Object.keys(manifest));

export const OWNERS = APPS.filter(hasDatabase);

/** @param {App} app @returns {app is Owner} */
export function hasDatabase(app) {
  return SERVICES[app].database !== undefined;
}

/** How names of the app's own variables begin: `CARD_ISSUER`. @param {string} app */
export function variablePrefix(app) {
  return app.toUpperCase().replaceAll('-', '_');
}

/** @returns {Secrets} */
export function newSecrets() {
  const begins = Object.entries(Object.assign({ BUS_SECRET: 'b1:' }, ...APPS.map((app) => SERVICES[app].secrets)));
  const secrets = begins.map(([name, id]) => [name, `${id}${randomBytes(32).toString('base64')}`]);
  return /** @type {Secrets} */ (Object.fromEntries(secrets));
}

/**
 * @template {string} Name
 * @template T
 * @param {readonly Name[]} names
 * @param {(name: Name) => T} value
 * @returns {Record<Name, T>}
 */
export function byName(names, value) {
  return /** @type {Record<Name, T>} */ (Object.fromEntries(names.map((name) => [name, value(name)])));
}

/**
 * @template {string} Name
 * @param {readonly Name[]} names
 * @returns 192 random bits for each, in characters that need no escaping in URLs
 */
export function newPasswords(names) {
  return byName(names, () => randomBytes(24).toString('base64url'));
}

/**
 * @typedef {object} Surroundings what all apps of one installation share
 * @property {Record<App, string>} redisUrls
 * @property {DatabaseUrls} databaseUrls
 * @property {Secrets} secrets
 * @property {string} publicUrl
 * @property {string} filesFolder where those keep files that have any
 */

/**
 * @param {App} app
 * @param {Surroundings} surroundings
 * @returns {Record<string, string>} the environment of every replica of that app; none sees what another app alone needs
 */
export function appEnvironment(app, { redisUrls, databaseUrls, secrets, publicUrl, filesFolder }) {
  const own = Object.keys(SERVICES[app].secrets ?? {});
  return {
    REDIS_URL: redisUrls[app],
    PUBLIC_URL: publicUrl,
    ...Object.fromEntries(['BUS_SECRET', ...own].map((name) => [name, secrets[/** @type {SecretName} */ (name)]])),
    ...(SERVICES[app].files && { STORAGE_URL: pathToFileURL(filesFolder).href }),
    ...(hasDatabase(app) && { [`${variablePrefix(app)}_DATABASE_URL`]: databaseUrls[app] }),
  };
}

/**
 * @typedef {object} AppProcess
 * @property {number} pid
 * @property {Promise<string>} exited settles with how it ended, in words, once it has
 * @property {(ms: number) => Promise<void>} ready settles once it answers, rejects when it ends before or takes longer
 * @property {() => Promise<void>} stop SIGTERM, and SIGKILL for what has not ended then
 * @property {() => Promise<void>} kill `kill -9`
 */

/** Longer than any app takes to finish what it has begun. */
const STOP_MS = 27_000;

/**
 * Starts one replica from `dist/`. It ends by itself when this process does.
 *
 * @param {object} options
 * @param {string} options.workspace
 * @param {App} options.app
 * @param {NodeJS.ProcessEnv} options.env all of it
 * @param {number} options.internalPort where it says whether it is ready
 * @param {(chunk: Buffer) => void} options.log
 * @returns {AppProcess}
 */
export function startApp({ workspace, app, env, internalPort, log }) {
  return startProcess({
    name: app,
    args: [bundleOf(workspace, app)],
    cwd: workspace,
    env: { ...env, INTERNAL_PORT: String(internalPort), PUERTA_EXIT_WITH_PARENT: '1' },
    health: `http://127.0.0.1:${internalPort}/health/ready`,
    log,
  });
}

/**
 * Starts a program for Node that ends when its standard input does: that is our pipe, which the kernel closes when we die,
 * even by `kill -9`.
 *
 * @param {object} options
 * @param {string} options.name of it, for people
 * @param {string[]} options.args
 * @param {string} options.cwd
 * @param {NodeJS.ProcessEnv} options.env all of it
 * @param {string} options.health the URL where it says whether it is ready
 * @param {(chunk: Buffer) => void} options.log
 * @returns {AppProcess}
 */
export function startProcess({ name, args, cwd, env, health, log }) {
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    detached: true, // a process group of its own: Ctrl-C in the terminal is ours to handle
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.on('error', () => {}); // without a pid we throw; with one, "close" follows
  child.stdin.on('error', () => {});
  child.stdout.on('data', log);
  child.stderr.on('data', log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} cannot be run`);
  const record = recordOf(pid);
  /** @type {string | undefined} */
  let ending;
  /** @type {Promise<string>} */
  const exited = new Promise((resolve) => {
    child.once('close', (code, signal) => {
      ending = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
      resolve(ending);
    });
  });

  return {
    pid,
    exited,
    ready: async (ms) => {
      for (const end = Date.now() + ms; ending === undefined; await sleep(50)) {
        if (await isReady(health)) return;
        if (Date.now() > end) throw new Error(`${name} was not ready after ${Math.round(ms / 1000)} s`);
      }
      throw new Error(`${name} ${ending}`);
    },
    stop: async () => {
      await signalUntilGone(record, [
        ['SIGCONT', 0],
        ['SIGTERM', STOP_MS],
        ['SIGKILL', 5_000],
      ]);
      await exited;
    },
    kill: async () => {
      await signalUntilGone(record, [['SIGKILL', 5_000]]);
      await exited;
    },
  };
}

/**
 * Brings the app's schema up to date.
 *
 * @param {{ workspace: string, app: App, env: NodeJS.ProcessEnv, log: (chunk: Buffer) => void }} options
 * @throws with its output when that fails
 */
export async function migrateApp({ workspace, app, env, log }) {
  const child = spawn(process.execPath, [bundleOf(workspace, app), 'migrate'], {
    cwd: workspace,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      log(chunk);
    });
  }
  const code = await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  if (code !== 0) throw new Error(`the migrations of ${app} failed\n${output.slice(-4000)}`);
}

/**
 * @param {string} workspace
 * @param {App} app
 * @returns {string} the file that runs it; with `migrate` or another argument, what else it can do
 */
function bundleOf(workspace, app) {
  const file = join(workspace, 'dist/bundles', app, 'app.js');
  if (!existsSync(file)) throw new Error(`${file} is missing; run "npm run build"`);
  return file;
}

/** @param {string} health */
async function isReady(health) {
  try {
    const response = await fetch(health, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
