// @ts-check
/** A Redis of our own, on the loopback interface: for `npm start` with its data kept, for tests to be thrown away. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './files.mjs';
import { freePort, stopLeftover } from './process.mjs';
import { redisBinary } from './redis-binary.mjs';
import { launch, passwordIn, RECORD, sha256, temporaryFolder } from './server.mjs';

/** @type {[NodeJS.Signals, number][]} SIGTERM writes what is unwritten; CONT first, or a paused one would not hear it */
const STOP_STEPS = [
  ['SIGCONT', 0],
  ['SIGTERM', 15_000],
  ['SIGKILL', 5_000],
];

/**
 * @param {object} [options]
 * @param {string} [options.folder] where data and password are kept; without it the server is thrown away when stopped
 * @param {number} [options.port] default: a free one
 * @param {import('./server.mjs').Log} [options.log]
 * @param {(message: string) => void} [options.progress] told when something takes long
 * @returns {Promise<import('./server.mjs').Server & { imitation: boolean, origin: string }>} `origin` says what runs
 * @throws when there is no Redis to run, or it does not start
 */
export async function startRedis({ folder, port, log, progress } = {}) {
  const throwAway = folder === undefined;
  const place = folder ?? temporaryFolder('redis');
  try {
    return await startIn(place, { throwAway, port, log, progress });
  } catch (error) {
    if (throwAway) rmSync(place, { recursive: true, force: true });
    throw error;
  }
}

/** Ends what is left running on the folder, and removes it. @param {string} folder */
export async function removeRedis(folder) {
  await stopLeftover(join(folder, RECORD), STOP_STEPS);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * @param {string} place
 * @param {{ throwAway: boolean, port?: number, log?: import('./server.mjs').Log, progress?: (message: string) => void }} options
 * @returns {ReturnType<typeof startRedis>}
 */
async function startIn(place, { throwAway, port, log, progress }) {
  mkdirSync(place, { recursive: true, mode: 0o700 });
  await stopLeftover(join(place, RECORD), STOP_STEPS);

  const { command, args, env, imitation, origin } = await redisBinary(progress);
  const password = passwordIn(join(place, 'password'));
  const listen = port ?? (await freePort());
  const config = join(place, 'redis.conf');
  const users = join(place, 'users.acl');
  // Kept: Redis adds the users that it is told of. Without a line for it, the default user would need no password.
  if (!existsSync(users)) writeWhole(users, `user default on #${sha256(password)} ~* &* +@all\n`);
  // Not on the command line, which is for every user of the machine to read.
  writeWhole(config, configuration({ port: listen, users, folder: place, throwAway }));

  const url = `redis://:${password}@127.0.0.1:${listen}`;
  const server = await launch({
    name: 'Redis',
    command,
    args: imitation ? [...args, String(listen), join(place, 'password')] : [...args, config],
    folder: place,
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env },
    stopSteps: throwAway ? [['SIGKILL', 5_000]] : STOP_STEPS,
    orphanSignal: throwAway ? 'KILL' : 'TERM',
    throwAway,
    log,
    isReady: () => answers(url),
  });
  return { ...server, port: listen, url, imitation, origin };
}

/** @param {{ port: number, users: string, folder: string, throwAway: boolean }} options */
function configuration({ port, users, folder, throwAway }) {
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `aclfile ${quoted(users)}`,
    `dir ${quoted(folder)}`,
    'daemonize no',
    'maxmemory-policy noeviction', // an evicted stream entry is a lost command
    // Not RDB: after a crash a snapshot would bring back what was consumed since.
    'save ""',
    `appendonly ${throwAway ? 'no' : 'yes'}`,
    // Tests read what was refused; suites side by side are refused much.
    ...(throwAway ? ['acllog-max-len 10000'] : []),
  ];
  return `${settings.join('\n')}\n`;
}

/** @param {string} text */
function quoted(text) {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** @param {string} url */
async function answers(url) {
  const { connected } = await import('./redis-users.mjs'); // not before the packages are installed
  return connected(url, (client) => client.ping()).then(
    () => true,
    () => false,
  );
}
