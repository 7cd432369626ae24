// @ts-check
/** From a bare clone to something that can be run: packages, then `dist/`. Uses nothing but Node until packages are there. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from '../embedded/lock.mjs';
import { runQuietly } from './command.mjs';

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
  const state = join(WORKSPACE, '.puerta');
  mkdirSync(state, { recursive: true, mode: 0o711 });
  // `npm start` and `npm test` at once must not both empty node_modules.
  await withLock(join(state, 'packages.lock'), async () => {
    if (packagesAreCurrent()) return;
    await terminal.step('Installing packages', 'Packages installed', () => npmCi(signal));
  });
}

/** npm writes its own lock file into node_modules when it has finished. */
function packagesAreCurrent() {
  const [wanted, installed] = ['package-lock.json', 'node_modules/.package-lock.json'].map((file) =>
    statSync(join(WORKSPACE, file), { throwIfNoEntry: false }),
  );
  return wanted !== undefined && installed !== undefined && installed.mtimeMs >= wanted.mtimeMs;
}

/** @param {AbortSignal} [signal] */
async function npmCi(signal) {
  // Under NODE_ENV=production npm would leave out what builds the project.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const npm = process.env['npm_execpath'];
  await (npm?.endsWith('npm-cli.js')
    ? runQuietly(process.execPath, [npm, ...args], { cwd: WORKSPACE, signal })
    : runQuietly('npm', args, { cwd: WORKSPACE, signal }));
}

/**
 * Builds all projects into `dist/`; nx does again only what has changed.
 *
 * @param {Terminal} terminal
 * @param {AbortSignal} [signal]
 */
export async function build(terminal, signal) {
  await terminal.step('Building', 'Built', () =>
    runQuietly(process.execPath, [join(WORKSPACE, 'node_modules/.bin/nx'), 'run-many', '-t', 'build'], {
      cwd: WORKSPACE,
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NX_ISOLATE_PLUGINS: 'false' },
      signal,
    }),
  );
}
