// @ts-check
/** The data folder: who uses it now, and what is made once and kept in it. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../embedded/lock.mjs';
import { newSecrets, OWNERS } from '../embedded/services.mjs';
import { Refusal } from './stopped.mjs';

/**
 * Makes the folder if it is missing and takes it for this process.
 *
 * @param {string} folder
 * @returns {() => void} gives it back
 * @throws Refusal when another process uses it
 */
export function takeDataFolder(folder) {
  try {
    // As root, PostgreSQL runs as another user, who must pass through; what is secret in here is closed by itself.
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    const lock = tryLock(join(folder, 'lock'));
    if ('release' in lock) return lock.release;
    throw new Refusal(`Puerta already runs on ${folder} (process ${lock.heldBy}); stop it, or give another folder with --data`);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`the data folder cannot be used: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @typedef {object} Kept
 * @property {import('../embedded/services.mjs').Secrets} secrets
 * @property {Record<import('../embedded/services.mjs').Owner, string>} databasePasswords
 */

/**
 * The secrets of this installation, made once.
 *
 * @param {string} folder
 * @returns {Kept}
 */
export function keptSecrets(folder) {
  const file = join(folder, 'secrets.json');
  const kept = /** @type {Kept | undefined} */ (readJson(file));
  if (kept) return kept;
  const passwords = OWNERS.map((owner) => [owner, randomBytes(24).toString('base64url')]);
  const made = { secrets: newSecrets(), databasePasswords: Object.fromEntries(passwords) };
  writeJson(file, made);
  return made;
}

/**
 * @param {string} file
 * @returns {unknown} undefined when there is none
 * @throws Refusal when it cannot be understood: made anew, what it protected would be lost
 */
export function readJson(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Refusal(`${file} cannot be read: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/**
 * Whole or not at all, and for the owner's eyes only.
 *
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
}
