// @ts-check
/** Files and folders of ours: there whole, or not at all. */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the folder, and those above it that are missing. Not by mkdir's `recursive`: where a file system says of what it
 * does not let us make that there is no such thing (/proc), Node tries for ever.
 *
 * @param {string} folder absolute
 * @param {number} mode of those that are made
 * @throws as mkdir does
 */
export function makeFolder(folder, mode) {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    const parent = dirname(folder);
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT' || statSync(parent, { throwIfNoEntry: false }))
      throw error;
    makeFolder(parent, mode);
    mkdirSync(folder, { mode });
  }
}

/**
 * Writes the file, for the owner's eyes only. On a full disk the one before stays, or none: half of a password or an empty
 * lock would be taken for one.
 *
 * @param {string} file
 * @param {string} text
 */
export function writeWhole(file, text) {
  const unfinished = `${file}.${process.pid}.new`;
  try {
    writeFileSync(unfinished, text, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
