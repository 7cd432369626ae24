// @ts-check
/** From a bare clone to something that can be run: packages, then `dist/`. Uses nothing but Node until packages are there. */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder } from '../embedded/files.mjs';
import { withLock } from '../embedded/lock.mjs';
import { runQuietly } from './command.mjs';
import { PackageProgress } from './packages.mjs';
import { Refusal } from './stopped.mjs';

export const WORKSPACE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @typedef {import('./terminal.mjs').Terminal} Terminal */

/**
 * Installs the packages when there are none, or older ones than the lock file names.
 *
 * @param {Terminal} terminal
 * @param {AbortSignal} [signal]
 */
export async function ensurePackages(terminal, signal) {
  if (packagesAreCurrent()) return;
  await alone('packages', async () => {
    if (packagesAreCurrent()) return;
    const progress = new PackageProgress(WORKSPACE);
    const work = () => npmCi((line) => progress.heard(line), signal);
    await terminal.step('Installing packages', 'Packages installed', work, () => `${progress}`);
  });
}

/**
 * `npm start` and `npm test` at once must not both empty `node_modules` or `dist`.
 *
 * @param {string} name of the work
 * @param {() => Promise<void>} work
 */
async function alone(name, work) {
  const state = join(WORKSPACE, '.puerta');
  try {
    makeFolder(state, 0o711);
    accessSync(state, constants.W_OK);
  } catch (cause) {
    throw new Refusal(`nothing can be written in the project: ${/** @type {Error} */ (cause).message}`, { cause });
  }
  await withLock(join(state, `${name}.lock`), work);
}

/** npm writes its own lock file into node_modules when it has finished. */
function packagesAreCurrent() {
  const [wanted, installed] = ['package-lock.json', 'node_modules/.package-lock.json'].map((file) =>
    statSync(join(WORKSPACE, file), { throwIfNoEntry: false }),
  );
  return wanted !== undefined && installed !== undefined && installed.mtimeMs >= wanted.mtimeMs;
}

/** @param {(line: string) => void} onLine @param {AbortSignal} [signal] */
function npmCi(onLine, signal) {
  // Under NODE_ENV=production npm would leave out what builds the project.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=http'];
  const npm = process.env['npm_execpath'];
  const [command, ...first] = npm?.endsWith('npm-cli.js') ? [process.execPath, npm] : ['npm'];
  return runQuietly(command, [...first, ...args], { cwd: WORKSPACE, signal, onLine });
}

/**
 * Builds into `dist/` what has changed. When nothing has, nx is not asked: it would put everything there again from its
 * cache, under the feet of the apps that run from it.
 *
 * @param {Terminal} terminal
 * @param {AbortSignal} [signal]
 */
export async function build(terminal, signal) {
  await alone('build', async () => {
    const sources = fingerprint();
    const stamp = join(WORKSPACE, 'dist/.sources');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
    rmSync(stamp, { force: true });
    const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NX_ISOLATE_PLUGINS: 'false' };
    const nx = [join(WORKSPACE, 'node_modules/.bin/nx'), 'run-many', '-t', 'build,bundle'];
    await terminal.step('Building', 'Built', () => runQuietly(process.execPath, nx, { cwd: WORKSPACE, env, signal }));
    writeFileSync(stamp, sources);
  });
}

/** What `dist/` is made from: names, sizes and times of change, without what the build leaves out. */
function fingerprint() {
  const files = ['.swcrc', 'nx.json', 'package-lock.json'];
  for (const folder of ['apps', 'libs', 'tools/bundle']) {
    for (const entry of readdirSync(join(WORKSPACE, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || /\.(spec|load)\.ts$/.test(entry.name)) continue;
      files.push(relative(WORKSPACE, join(entry.parentPath ?? entry.path, entry.name)));
    }
  }
  const states = files.sort().map((file) => {
    const state = statSync(join(WORKSPACE, file), { throwIfNoEntry: false }); // editors come and go with files
    return `${file} ${state?.size} ${state?.mtimeMs}`;
  });
  return createHash('sha256')
    .update(`${process.version}\n${states.join('\n')}`)
    .digest('hex');
}
