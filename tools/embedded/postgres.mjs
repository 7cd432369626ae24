// @ts-check
/** A PostgreSQL of our own, on the loopback interface: for `npm start` with its data kept, for tests to be thrown away. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder, writeWhole } from './files.mjs';
import { mayEnter, postgresBinaries, ROOT_STATE, unprivilegedUser } from './postgres-binaries.mjs';
import { endWithUs, freePort, identify, stopLeftover } from './process.mjs';
import { launch, passwordIn, RECORD, temporaryFolder } from './server.mjs';

const MAJOR = '18';
const SUPERUSER = 'postgres';

/** @type {[NodeJS.Signals, number][]} fast shutdown, immediate shutdown, crash */
const STOP_STEPS = [
  ['SIGINT', 20_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/** Durability is worth nothing for data that goes with the process, nor time that guessers of passwords would need. */
const THROW_AWAY_SETTINGS = {
  scram_iterations: '1',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '400',
  shared_buffers: '64MB',
};

/** What libpq and `pg` read from the environment is about other servers: ours speaks no TLS. */
export const LIBPQ = ['PGSSLMODE', 'PGOPTIONS'];

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // loopback with a password is the only way in
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '200',
  log_min_messages: 'warning',
  // Neither statements nor the values that violated a constraint: they may hold personal data.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

/**
 * @param {object} [options]
 * @param {string} [options.folder] where data and password are kept; without it the server is thrown away when stopped
 * @param {number} [options.port] default: a free one
 * @param {import('./server.mjs').Log} [options.log]
 * @returns {Promise<import('./server.mjs').Server>} `url` is the superuser's, for the database `postgres`
 * @throws when it does not start, with the reason that PostgreSQL gave
 */
export async function startPostgres({ folder, port, log } = {}) {
  const user = unprivilegedUser();
  const bin = postgresBinaries(user);
  for (const name of LIBPQ) delete process.env[name];
  const place = folder === undefined ? temporaryPlace(user) : persistentPlace(folder, user);
  const isNew = !existsSync(join(place, 'data'));
  try {
    return await startIn(place, { bin, user, throwAway: folder === undefined, port, log });
  } catch (error) {
    if (folder === undefined) rmSync(place, { recursive: true, force: true });
    else if (isNew && place !== folder) await removePostgres(folder); // nobody would look for it there
    throw error;
  }
}

/**
 * Ends what is left running on the folder, and removes it, its place elsewhere included.
 *
 * @param {string} folder as given to startPostgres
 */
export async function removePostgres(folder) {
  const place = placeElsewhere(folder) ?? folder;
  await stopLeftover(join(place, RECORD), STOP_STEPS);
  for (const each of [place, folder]) rmSync(each, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * @param {string} place
 * @param {{ bin: string, user?: import('./postgres-binaries.mjs').User, throwAway: boolean, port?: number,
 *   log?: import('./server.mjs').Log }} options
 * @returns {Promise<import('./server.mjs').Server>}
 */
async function startIn(place, { bin, user, throwAway, port, log }) {
  const data = join(place, 'data');
  await endLeftover(place, data);
  const password = passwordIn(join(place, 'password'));
  if (user) chownSync(join(place, 'password'), user.uid, user.gid);
  const env = { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' };
  await createCluster({ bin, data, place, user, throwAway, env });

  const listen = port ?? (await freePort());
  const settings = { ...SETTINGS, ...(throwAway ? THROW_AWAY_SETTINGS : {}), port: String(listen) };
  const server = await launch({
    name: 'PostgreSQL',
    command: join(bin, 'postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    folder: place,
    env,
    user,
    stopSteps: throwAway
      ? [
          ['SIGQUIT', 5_000],
          ['SIGKILL', 5_000],
        ]
      : STOP_STEPS,
    orphanSignal: throwAway ? 'QUIT' : 'INT',
    throwAway,
    log,
    isReady: (pid) => pidFile(data)?.pid === pid && pidFile(data)?.status === 'ready',
  });
  return { ...server, port: listen, url: `postgresql://${SUPERUSER}:${password}@127.0.0.1:${listen}/postgres` };
}

/** @param {import('./postgres-binaries.mjs').User | undefined} user @returns {string} */
function temporaryPlace(user) {
  const place = temporaryFolder('postgres');
  open(place, user);
  if (mayEnter(user, place)) return place;
  rmSync(place, { recursive: true });
  return newRootPlace(user);
}

/** Names the place elsewhere, in the folder that it belongs to. */
const POINTER = 'location';

/**
 * The folder itself or, when we are root and PostgreSQL's user may not enter it (a clone under /root), one that this user
 * may enter; which one, the folder remembers.
 *
 * @param {string} folder
 * @param {import('./postgres-binaries.mjs').User | undefined} user
 * @returns {string}
 */
function persistentPlace(folder, user) {
  makeFolder(folder, 0o700);
  const place = placeElsewhere(folder);
  if (place && existsSync(place)) return place;
  if (user && !existsSync(join(folder, 'data'))) {
    open(folder, user);
    if (!mayEnter(user, folder)) return newRootPlace(user, (made) => writeWhole(join(folder, POINTER), `${made}\n`));
  }
  return folder;
}

/**
 * @param {string} folder
 * @returns {string | undefined} only what newRootPlace gives: it may be removed with all that is in it
 */
function placeElsewhere(folder) {
  const pointer = join(folder, POINTER);
  if (!existsSync(pointer)) return undefined;
  const place = readFileSync(pointer, 'utf8').trim();
  if (dirname(place) !== ROOT_STATE || !place.startsWith(ROOT_PLACE))
    throw new Error(`${pointer} does not name a folder of ours`);
  return place;
}

const ROOT_PLACE = join(ROOT_STATE, 'postgres-');

/**
 * @param {import('./postgres-binaries.mjs').User | undefined} user
 * @param {(place: string) => void} [remember] called first, so that whoever is killed here leaves none that nobody knows of
 * @returns {string}
 */
function newRootPlace(user, remember) {
  const place = `${ROOT_PLACE}${randomBytes(6).toString('hex')}`;
  remember?.(place);
  makeFolder(ROOT_STATE, 0o755);
  mkdirSync(place, { mode: 0o700 });
  open(place, user);
  if (mayEnter(user, place)) return place;
  rmSync(place, { recursive: true });
  throw new Error(`the user that runs PostgreSQL for root may not enter ${ROOT_STATE}`);
}

/**
 * Lets the other user pass through a folder that stays root's, so that root never writes where that user may plant links.
 *
 * @param {string} folder
 * @param {import('./postgres-binaries.mjs').User | undefined} user
 */
function open(folder, user) {
  if (user) chmodSync(folder, 0o711);
}

/**
 * @param {{ bin: string, data: string, place: string, user?: { uid: number, gid: number }, throwAway: boolean,
 *   env: NodeJS.ProcessEnv }} options
 */
async function createCluster({ bin, data, place, user, throwAway, env }) {
  if (existsSync(data)) {
    const found = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
    if (found !== MAJOR) throw new Error(`${data} was made by PostgreSQL ${found}; this is ${MAJOR}`);
    return;
  }
  const unfinished = `${data}.new`; // so that an interrupted initdb is begun again, not half used
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  if (user) chownSync(unfinished, user.uid, user.gid);
  const initdb = promisify(execFile)(
    join(bin, 'initdb'),
    [
      '-D',
      unfinished,
      '-U',
      SUPERUSER,
      '--pwfile',
      join(place, 'password'),
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The locale comes with PostgreSQL: the same order on every machine, none to be installed.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(throwAway ? ['--no-sync', '--set', `scram_iterations=${THROW_AWAY_SETTINGS.scram_iterations}`] : []),
    ],
    { ...user, cwd: place, env },
  );
  const letGo = initdb.child.pid && endWithUs(initdb.child.pid, 'KILL', throwAway ? place : '');
  try {
    await initdb;
  } catch (cause) {
    const { stderr, message } = /** @type {import('node:child_process').ExecFileException} */ (cause);
    throw new Error(`the data of PostgreSQL cannot be made: ${stderr?.trim() || message}`, { cause });
  } finally {
    if (letGo) letGo();
  }
  renameSync(unfinished, data);
}

/**
 * After a crash of its owner PostgreSQL may still run, or may have left its `postmaster.pid`; the pid in there may be
 * another process by now, for which PostgreSQL would refuse to start.
 *
 * @param {string} place
 * @param {string} data
 */
async function endLeftover(place, data) {
  await stopLeftover(join(place, RECORD), STOP_STEPS);
  const stale = pidFile(data);
  if (!stale) return;
  if (isPostgres(stale.pid)) throw new Error(`${data} is in use by PostgreSQL process ${stale.pid}`);
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

/**
 * @param {number} pid
 * @returns {boolean} whether it may be a PostgreSQL; unknown counts as yes, PostgreSQL then judges for itself
 */
function isPostgres(pid) {
  if (identify(pid) === undefined) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres');
  } catch {
    return false;
  }
}

/**
 * @param {string} data
 * @returns {{ pid: number, status: string | undefined } | undefined} line 1 and line 8 of postmaster.pid, as pg_ctl reads them
 */
function pidFile(data) {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), status: lines[7]?.trim() };
  } catch {
    return undefined;
  }
}
