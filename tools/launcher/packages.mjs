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

/** What npm says of each answer of the registry (`--loglevel http`): first of all packages, then of their files. */
const LOOKED_UP = /http fetch GET 200 \S+(?<!\.tgz) /;

/**
 * Counts packages as they come into `node_modules`: that is where npm unpacks each as soon as it has fetched it. What was
 * there before is not counted: npm removes it first. Before the first comes, npm looks all of them up.
 */
export class PackageProgress {
  #began = Date.now();
  #there = new Set();
  #looked = -Infinity;
  #lookedUp = 0;

  /** @param {string} folder of package-lock.json */
  constructor(folder) {
    this.wanted = wantedIn(folder);
  }

  /** @param {string} line of what npm says */
  heard(line) {
    if (LOOKED_UP.test(line)) this.#lookedUp += 1;
  }

  /** How many there are by now, of how many; nothing where that cannot be told. */
  toString() {
    const all = this.wanted.length;
    if (all === 0) return '';
    if (performance.now() - this.#looked > LOOK_MS) this.#look();
    if (this.#there.size > 0) return `${grouped(this.#there.size)} of ${grouped(all)} packages`;
    return `looking up ${grouped(Math.min(this.#lookedUp, all))} of ${grouped(all)} packages`;
  }

  #look() {
    this.#looked = performance.now();
    for (const file of this.wanted) if (!this.#there.has(file) && isNewer(file, this.#began)) this.#there.add(file);
  }
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
