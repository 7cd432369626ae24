// @ts-check
/** Finds a Redis or Valkey 7 or newer to run, and fetches one where the system has none. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withLock } from './lock.mjs';

const run = promisify(execFile);

/** Streams with consumer groups as the bus uses them (XAUTOCLAIM's third reply, ACL selectors) came with 7.0. */
const OLDEST = 7;

/** Fetched once per clone. */
const CACHE = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/.cache/puerta');

const HOMEBREW = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'];

/**
 * @typedef {object} RedisBinary
 * @property {string} command
 * @property {string[]} args before all others
 * @property {NodeJS.ProcessEnv} env added to the environment
 * @property {boolean} imitation whether it is the JavaScript stand-in
 * @property {string} origin for people to read
 */

/**
 * @param {(message: string) => void} [progress] told when something takes long
 * @returns {Promise<RedisBinary>}
 * @throws when this machine offers none; the message says what to do
 */
export async function redisBinary(progress) {
  return (
    onPath() ??
    inHomebrew() ??
    unpackedHere() ??
    (await fetchDebianPackage(progress)) ??
    imitation() ??
    fail()
  );
}

/** @returns {RedisBinary | undefined} */
function onPath() {
  return firstUsable(['redis-server', 'valkey-server'], 'installed on this machine');
}

/** @returns {RedisBinary | undefined} */
function inHomebrew() {
  const found = HOMEBREW.flatMap((opt) => [`${opt}/redis/bin/redis-server`, `${opt}/valkey/bin/valkey-server`]);
  return firstUsable(found.filter((command) => existsSync(command)), 'from Homebrew');
}

/**
 * @param {string[]} commands
 * @param {string} origin
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {RedisBinary | undefined} the first that runs and is new enough
 */
function firstUsable(commands, origin, env = {}) {
  for (const command of commands) {
    const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
    const version = /\bv=((\d+)[\d.]*)/.exec(stdout ?? '');
    if (Number(version?.[2]) >= OLDEST) {
      return { command, args: [], env, imitation: false, origin: `${version?.[1]}, ${origin}` };
    }
  }
  return undefined;
}

/** @returns {RedisBinary | undefined} what an earlier fetchDebianPackage left */
function unpackedHere() {
  const root = join(CACHE, `redis-${process.arch}`);
  if (!existsSync(root)) return undefined;
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => {
    const parent = join(root, folder);
    if (!existsSync(parent)) return [];
    return [parent, ...readdirSync(parent).filter((name) => name.endsWith('-linux-gnu')).map((name) => join(parent, name))];
  });
  const env = { LD_LIBRARY_PATH: libraries.join(':') };
  return firstUsable([join(root, 'usr/bin/redis-server')], "Debian's package, unpacked here", env);
}

/**
 * Downloads the distribution's package with lists and cache of our own, so that it needs no root and leaves the system as
 * it is, and unpacks it.
 *
 * @param {((message: string) => void) | undefined} progress
 * @returns {Promise<RedisBinary | undefined>}
 */
async function fetchDebianPackage(progress) {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) return undefined;
  mkdirSync(CACHE, { recursive: true });
  return withLock(join(CACHE, 'redis.lock'), async () => {
    const place = join(CACHE, `redis-${process.arch}`);
    if (existsSync(place)) return unpackedHere(); // another process was quicker, or this distribution's is too old
    progress?.("fetching Debian's Redis package");
    const work = mkdtempSync(join(CACHE, 'redis-download-'));
    try {
      await downloadAndUnpack(work);
      renameSync(join(work, 'root'), place);
    } catch (error) {
      const { message, stderr } = /** @type {Error & { stderr?: string }} */ (error);
      progress?.(`cannot fetch Debian's Redis package: ${(stderr || message).trim().split('\n').at(-1)}`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return unpackedHere();
  });
}

/** @param {string} work an empty folder; the packages' files come into `root` in it */
async function downloadAndUnpack(work) {
  for (const folder of ['lists/partial', 'archives/partial', 'root']) mkdirSync(join(work, folder), { recursive: true });
  const options = [
    `Dir::State::Lists=${join(work, 'lists')}`,
    'Dir::State::status=/var/lib/dpkg/status', // what is installed need not be fetched
    `Dir::Cache=${work}`,
    `Dir::Cache::Archives=${join(work, 'archives')}`,
    'Debug::NoLocking=1', // the locks are the system's, and root's
    'APT::Sandbox::User=', // root's apt would become _apt, who may not write here
    'Acquire::Languages=none',
    'APT::Update::Error-Mode=any',
  ].flatMap((option) => ['-o', option]);
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', [...options, '-q', 'update'], { env });
  await run('apt-get', [...options, '-qy', '--no-install-recommends', '--download-only', 'install', 'redis-server'], { env });
  for (const name of readdirSync(join(work, 'archives'))) {
    if (name.endsWith('.deb')) await run('dpkg-deb', ['-x', join(work, 'archives', name), join(work, 'root')]);
  }
}

/** @returns {RedisBinary | undefined} */
function imitation() {
  try {
    createRequire(import.meta.url).resolve('js-redis-server');
  } catch {
    return undefined; // it asks for Node 22; npm leaves it out on Node 20
  }
  return {
    command: process.execPath,
    args: [fileURLToPath(new URL('redis-imitation.mjs', import.meta.url))],
    env: {},
    imitation: true,
    origin: 'the JavaScript stand-in js-redis-server: keeps nothing, not for real use',
  };
}

/** @returns {never} */
function fail() {
  throw new Error(
    'no Redis: install Redis or Valkey 7 or newer (Debian: apt-get install redis-server, macOS: brew install redis), ' +
      'or give REDIS_URL',
  );
}
