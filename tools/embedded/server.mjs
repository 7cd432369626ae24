// @ts-check
/** What PostgreSQL and Redis have in common: a child process with a folder, a record, a guard and a log. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from './files.mjs';
import { endWithUs, recordOf, signalUntilGone, writeRecord } from './process.mjs';

/** @typedef {(chunk: Buffer) => void} Log receives what the server writes */

/**
 * @typedef {object} Server
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {Promise<void>} exited settles when the process is gone, however it went
 * @property {() => Promise<void>} stop orderly; of a throw-away server the folder goes too
 * @property {() => Promise<void>} kill as a crash would (`kill -9`)
 */

/**
 * @typedef {object} Launch
 * @property {string} name for messages
 * @property {string} command
 * @property {string[]} args
 * @property {string} folder its working directory, where the record is kept
 * @property {NodeJS.ProcessEnv} env
 * @property {{ uid: number, gid: number }} [user] to run as
 * @property {[NodeJS.Signals, number][]} stopSteps see signalUntilGone
 * @property {'INT' | 'QUIT' | 'TERM' | 'KILL'} orphanSignal what ends it when we are gone
 * @property {boolean} throwAway whether the folder goes with the server
 * @property {string} [orphanFolder] what else goes when we are gone
 * @property {Log} [log]
 * @property {(pid: number) => boolean | Promise<boolean>} isReady asked again until true
 */

/** A start takes a second; recovery after a crash may take longer. */
const START_MS = 60_000;

/** The record's name in the folder of a server. */
export const RECORD = 'process.json';

/**
 * Starts the process and waits until it is ready.
 *
 * @param {Launch} options
 * @returns {Promise<Omit<Server, 'url' | 'port'>>}
 * @throws with the last lines of its output when it ends or hangs instead of becoming ready
 */
export async function launch(options) {
  const { name, command, args, folder, env, user, stopSteps, orphanSignal, throwAway, orphanFolder, log, isReady } =
    options;
  const child = spawn(command, args, {
    cwd: folder,
    env,
    detached: true, // a process group of its own: Ctrl-C in the terminal is ours to handle
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  });
  /** @type {Error | undefined} */
  let failure;
  child.once('error', (error) => (failure = error));
  // "close", not "exit": then its own children have gone as well, and everything it wrote has been read.
  const exited = new Promise((resolve) => {
    child.once('close', resolve);
    child.once('error', resolve);
  }).then(() => undefined);
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (/** @type {Buffer} */ chunk) => {
      tail = (tail + chunk.toString()).slice(-2000);
      log?.(chunk);
    });
  }
  // Nothing of the child keeps our event loop alive: whoever forgets to stop it must still be able to exit.
  const handles = /** @type {{ ref(): void, unref(): void }[]} */ (
    /** @type {unknown[]} */ ([child, child.stdout, child.stderr])
  );
  for (const handle of handles) handle.unref();

  const { pid } = child;
  if (pid === undefined) {
    await exited;
    throw new Error(`${name} cannot be run: ${failure?.message}`);
  }
  const record = recordOf(pid);
  if (!throwAway) writeRecord(join(folder, RECORD), pid);
  const letGo = endWithUs(pid, orphanSignal, throwAway ? folder : orphanFolder);
  const cleaned = exited.then(() => {
    letGo();
    if (throwAway) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    else rmSync(join(folder, RECORD), { force: true });
  });

  const gone = () => child.exitCode !== null || child.signalCode !== null;
  for (const end = Date.now() + START_MS; !gone() && !(await isReady(pid)); await sleep(15)) {
    if (Date.now() > end) child.kill('SIGKILL');
  }
  if (gone()) {
    await cleaned;
    throw new Error(`${name} did not start: ${tail.trim() || child.signalCode || `exit code ${child.exitCode}`}`);
  }

  const end = async (/** @type {[NodeJS.Signals, number][]} */ steps) => {
    for (const handle of handles) handle.ref();
    await signalUntilGone(record, steps);
    await cleaned;
  };
  return { pid, exited: cleaned, stop: () => end(stopSteps), kill: () => end([['SIGKILL', 5000]]) };
}

/**
 * @param {string} name
 * @returns {string} a new folder of our own in the system's temporary directory
 */
export function temporaryFolder(name) {
  return mkdtempSync(join(tmpdir(), `puerta-${name}-`));
}

/**
 * The password kept in `file`, made when there is none, or an empty one.
 *
 * @param {string} file
 * @returns {string} 192 random bits, in characters that need no escaping in URLs and configuration files
 */
export function passwordIn(file) {
  if (!statSync(file, { throwIfNoEntry: false })?.size) writeWhole(file, randomBytes(24).toString('base64url'));
  return readFileSync(file, 'utf8').trim();
}

/** As Redis keeps passwords. @param {string} text */
export function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}
