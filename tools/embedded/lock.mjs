// @ts-check
/** A lock among processes of one machine, as a file that names its holder; a holder that died holds nothing. */
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from './files.mjs';
import { readRecord, recordOf, stillRuns, writeRecord } from './process.mjs';

/**
 * @typedef {object} Lock
 * @property {() => void} leave tells who waits that it will not be long
 * @property {() => void} release
 */

/**
 * @param {string} file
 * @returns {Lock | { heldBy: number, leaving: boolean }}
 * @throws when the file cannot be made, or is something else than a lock
 */
export function tryLock(file) {
  const mine = `${file}.${process.pid}`;
  try {
    writeRecord(mine, process.pid);
    for (;;) {
      try {
        linkSync(mine, file); // the one step that only one process can win
        return {
          leave: () => sayLeaving(file),
          release: () => rmSync(file, { force: true }),
        };
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      // Not to be moved away: a folder, or a link that somebody made.
      if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new Error(`${file} is in the way`);
      const holder = readRecord(file);
      if (holder && stillRuns(holder)) return { heldBy: holder.pid, leaving: holder.leaving ?? false };
      removeStale(file);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Who waits may be told that it takes no longer; that it cannot be written (the disk is full, the folder gone) must not keep
 * the holder from ending.
 *
 * @param {string} file
 */
function sayLeaving(file) {
  try {
    writeWhole(file, JSON.stringify({ ...recordOf(process.pid), leaving: true }));
  } catch {
    // They wait as for one that goes on.
  }
}

/**
 * Takes a dead holder's lock away. Another process may have done so first and hold the lock by now: what was taken is
 * looked at again, and put back if it is alive.
 *
 * @param {string} file
 */
function removeStale(file) {
  const taken = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, taken);
    if (stillRuns(readRecord(taken))) linkSync(taken, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
  } finally {
    rmSync(taken, { force: true });
  }
}

/**
 * Runs `work` while holding the lock; waits for it as long as its holder lives.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  for (;;) {
    const lock = tryLock(file);
    if ('release' in lock) {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    await sleep(100);
  }
}
