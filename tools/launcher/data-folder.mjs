// @ts-check
/** The data folder: who uses it now, and what is made once and kept in it. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, writeWhole } from '../embedded/files.mjs';
import { tryLock } from '../embedded/lock.mjs';
import { stopLeftover } from '../embedded/process.mjs';
import { APPS, newPasswords, newSecrets, OWNERS } from '../embedded/services.mjs';
import { Refusal } from './stopped.mjs';

/** @type {[NodeJS.Signals, number][]} */
const LEFTOVER_STEPS = [
  ['SIGTERM', 10_000],
  ['SIGKILL', 5_000],
];

/** Long enough to notice that the terminal or npm is gone, and to say so in the lock. */
const NOTICE_MS = 1_000;

/** Longer than an orderly end takes. */
const LEAVING_MS = 40_000;

/**
 * Makes the folder if it is missing and takes it for this process; waits for another one that is about to end.
 *
 * @param {string} folder
 * @param {AbortSignal} signal ends the waiting
 * @returns {Promise<import('../embedded/lock.mjs').Lock>}
 * @throws Refusal when another process uses it
 */
export async function takeDataFolder(folder, signal) {
  const began = Date.now();
  for (;;) {
    const lock = lockIn(folder);
    if ('release' in lock) return lock;
    if (Date.now() - began > (lock.leaving ? LEAVING_MS : NOTICE_MS)) {
      throw new Refusal(
        `Puerta already runs on ${folder} (process ${lock.heldBy}); stop it, or give another folder: --data`,
      );
    }
    await sleep(100);
    signal.throwIfAborted();
  }
}

/** @param {string} folder */
function lockIn(folder) {
  try {
    // As root, PostgreSQL runs as another user, who must pass through; what is secret in here is closed by itself.
    makeFolder(folder, 0o711);
    return tryLock(join(folder, 'lock'));
  } catch (cause) {
    throw new Refusal(`the data folder cannot be used: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/** In the data folder, where each app's process is recorded. */
export const PROCESSES = 'processes';

/**
 * Ends the apps of an earlier start that was killed: they are ending by themselves, but still hold their ports.
 *
 * @param {string} folder
 */
export async function endLeftovers(folder) {
  const processes = join(folder, PROCESSES);
  mkdirSync(processes, { recursive: true, mode: 0o700 });
  await Promise.all(readdirSync(processes).map((name) => stopLeftover(join(processes, name), LEFTOVER_STEPS)));
}

/**
 * @typedef {object} Kept
 * @property {import('../embedded/services.mjs').Secrets} secrets
 * @property {Record<import('../embedded/services.mjs').Owner, string>} databasePasswords
 * @property {Record<import('../embedded/services.mjs').App, string>} redisPasswords
 */

/**
 * The secrets of this installation, each made once: a folder of an older version gets those that came later.
 *
 * @param {string} folder
 * @returns {Kept}
 */
export function keptSecrets(folder) {
  const file = join(folder, 'secrets.json');
  const kept = /** @type {Partial<Kept> | undefined} */ (readJson(file));
  const all = {
    secrets: { ...newSecrets(), ...kept?.secrets },
    databasePasswords: { ...newPasswords(OWNERS), ...kept?.databasePasswords },
    redisPasswords: { ...newPasswords(APPS), ...kept?.redisPasswords },
  };
  if (!isDeepStrictEqual(all, kept)) writeJson(file, all);
  return all;
}

/**
 * @param {string} file
 * @returns {unknown} undefined when there is none
 * @throws Refusal when it cannot be understood: made anew, what it protected would be lost
 */
export function readJson(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT') return undefined;
    throw new Refusal(`${file} cannot be read (${code})`);
  }
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says repeats a piece of the file, which holds secrets.
    throw new Refusal(`${file} is not valid JSON`);
  }
}

/** @param {string} file @param {unknown} value */
export function writeJson(file, value) {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}
