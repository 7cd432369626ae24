// @ts-check
/** How far `npm ci` is. It says nothing by itself, for up to a minute. Uses nothing but Node. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Entry of package-lock.json
 * @property {boolean} [optional]
 * @property {boolean} [link]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 */

/** No more often is it looked for what is there. */
const LOOK_MS = 500;

/**
 * Counts packages as they come into `node_modules`: that is where npm unpacks each as soon as it has fetched it. What was
 * there before is not counted: npm removes it first.
 *
 * @param {string} folder of package-lock.json
 * @returns {() => string} how many there are by now, of how many; nothing where that cannot be told
 */
export function packageProgress(folder) {
  const began = Date.now();
  const wanted = wantedIn(folder);
  const there = new Set();
  let looked = -Infinity;
  return () => {
    if (performance.now() - looked > LOOK_MS) {
      looked = performance.now();
      for (const file of wanted) if (!there.has(file) && isNewer(file, began)) there.add(file);
    }
    return wanted.length > 0 ? `${grouped(there.size)} of ${grouped(wanted.length)} packages` : '';
  };
}

/** @param {string} folder @returns {string[]} the file of each package that npm will install on this machine */
function wantedIn(folder) {
  try {
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    const entries = /** @type {[string, Entry][]} */ (Object.entries(lock.packages));
    const left = entries.filter(([, entry]) => !suits(entry)).map(([path]) => `${path}/`);
    return entries
      .filter(([path, { link }]) => path !== '' && !link && !left.some((one) => `${path}/`.startsWith(one)))
      .map(([path]) => join(folder, path, 'package.json'));
  } catch {
    return []; // npm will say what is wrong with it
  }
}

/** @param {Entry} entry */
function suits({ optional, os, cpu, libc }) {
  return !optional || (admits(os, process.platform) && admits(cpu, process.arch) && (!libc || admits(libc, family())));
}

/** Of which family the C library is. */
function family() {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/** @param {string[] | undefined} names those admitted, or those that are not (`!win32`) @param {string} ours */
function admits(names, ours) {
  if (names === undefined || names.includes(ours)) return true;
  return names.every((name) => name.startsWith('!')) && !names.includes(`!${ours}`);
}

/** @param {string} file @param {number} time */
function isNewer(file, time) {
  const state = statSync(file, { throwIfNoEntry: false });
  return state !== undefined && state.ctimeMs >= time;
}

/** @param {number} count */
function grouped(count) {
  return count.toLocaleString('en');
}
