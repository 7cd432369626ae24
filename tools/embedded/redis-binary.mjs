// @ts-check
/** Finds a Redis or Valkey 7 or newer to run, and fetches one where the system has none. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackRedis } from './debian-package.mjs';
import { withLock } from './lock.mjs';

/** Streams with consumer groups as the bus uses them (XAUTOCLAIM's third reply, ACL selectors) came with 7.0. */
const OLDEST = 7;

/** Debian's package, fetched once per clone. */
const UNPACKED = join(
  dirname(fileURLToPath(import.meta.url)),
  `../../node_modules/.cache/puerta/redis-${process.arch}`,
);

const ADVICE =
  'no Redis: install Redis or Valkey 7 or newer (Debian: apt-get install redis-server, macOS: brew install redis), ' +
  'or give REDIS_URL';

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
 * @throws when this machine offers none; the message says what to do, and why what was found cannot be used
 */
export async function redisBinary(progress) {
  /** @type {string[]} */
  const reasons = [];
  const found =
    firstUsable(['redis-server', 'valkey-server'], 'installed on this machine', reasons) ??
    inHomebrew(reasons) ??
    unpacked(UNPACKED) ??
    (await fetchDebianPackage(reasons, progress));
  if (found) return found;
  const standIn = imitation();
  if (!standIn) throw new Error([ADVICE, ...reasons].join('\n  '));
  for (const reason of reasons) progress?.(reason);
  return standIn;
}

/** @param {string[]} reasons @returns {RedisBinary | undefined} */
function inHomebrew(reasons) {
  const found = HOMEBREW.flatMap((opt) => [`${opt}/redis/bin/redis-server`, `${opt}/valkey/bin/valkey-server`]);
  return firstUsable(
    found.filter((command) => existsSync(command)),
    'from Homebrew',
    reasons,
  );
}

/**
 * @param {string[]} commands
 * @param {string} origin
 * @param {string[]} reasons gets why one that is there is not used
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {RedisBinary | undefined} the first that runs and is new enough
 */
function firstUsable(commands, origin, reasons, env = {}) {
  for (const command of commands) {
    const { stdout, stderr, error } = spawnSync(command, ['--version'], {
      encoding: 'utf8',
      timeout: 5_000,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env }, // as it is started later
    });
    const version = /\bv=((\d+)[\d.]*)/.exec(stdout ?? '');
    if (Number(version?.[2]) >= OLDEST) {
      return { command, args: [], env, imitation: false, origin: `${version?.[1]}, ${origin}` };
    }
    if (version) reasons.push(`${command} (${origin}) is version ${version[1]}, older than ${OLDEST}`);
    else if (/** @type {NodeJS.ErrnoException | undefined} */ (error)?.code !== 'ENOENT') {
      reasons.push(
        `${command} (${origin}) does not run: ${stderr?.trim() || error?.message || 'it does not say its version'}`,
      );
    }
  }
  return undefined;
}

/**
 * @param {string} root where Debian's packages were unpacked
 * @param {string[]} [reasons]
 * @returns {RedisBinary | undefined}
 */
function unpacked(root, reasons = []) {
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => {
    const parent = join(root, folder);
    if (!existsSync(parent)) return [];
    return [
      parent,
      ...readdirSync(parent)
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((name) => join(parent, name)),
    ];
  });
  const env = { LD_LIBRARY_PATH: libraries.join(':') };
  return firstUsable([join(root, 'usr/bin/redis-server')], "Debian's package, unpacked here", reasons, env);
}

/**
 * Keeps the distribution's package only if it can be used: the next start tries again.
 *
 * @param {string[]} reasons
 * @param {((message: string) => void) | undefined} progress
 * @returns {Promise<RedisBinary | undefined>}
 */
async function fetchDebianPackage(reasons, progress) {
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) return undefined;
  const work = `${UNPACKED}.new`;
  try {
    mkdirSync(dirname(UNPACKED), { recursive: true });
    return await withLock(`${UNPACKED}.lock`, async () => {
      const quicker = unpacked(UNPACKED);
      if (quicker) return quicker;
      progress?.("fetching Debian's Redis package");
      rmSync(work, { recursive: true, force: true }); // an earlier start was killed
      await unpackRedis(work);
      if (!unpacked(join(work, 'root'), reasons)) return undefined;
      rmSync(UNPACKED, { recursive: true, force: true });
      renameSync(join(work, 'root'), UNPACKED);
      return unpacked(UNPACKED);
    });
  } catch (error) {
    reasons.push(`Debian's package cannot be fetched: ${/** @type {Error} */ (error).message}`);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
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
