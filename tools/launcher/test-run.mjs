// @ts-check
/** `npm test`: from a bare clone to the result of the tests. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Terminal } from './terminal.mjs';
import { build, ensurePackages, WORKSPACE } from './workspace.mjs';

/**
 * @param {string[]} args `--load` runs the large suites instead; the rest goes to Jest
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  const terminal = new Terminal(process.stderr); // standard output is Jest's: its --json goes there
  try {
    await ensurePackages(terminal);
    await build(terminal); // end-to-end tests run the apps from dist/
  } catch (error) {
    terminal.fail(/** @type {Error} */ (error).message);
    return 1;
  }
  return jest(args);
}

/**
 * Each large suite gets the machine for itself: it starts a dozen processes, and bounds how long things take. The others
 * wait for half of their time, for leases to run out and processes to start: so one more than there are processors. With
 * two for each, heartbeats came late, and tests of who hears them in time failed now and then.
 */
const WORKERS = { load: 1, other: availableParallelism() + 1 };

/** @param {string[]} args @returns {Promise<number>} */
function jest(args) {
  const load = args.includes('--load');
  // Before theirs, of which Jest takes the last. A suite that fails may leave open what would keep Jest from ending.
  const ours = ['--forceExit', `--maxWorkers=${load ? WORKERS.load : WORKERS.other}`];
  const child = spawn(
    process.execPath,
    [join(WORKSPACE, 'node_modules/.bin/jest'), ...ours, ...args.filter((arg) => arg !== '--load')],
    { cwd: WORKSPACE, stdio: 'inherit', env: { ...process.env, ...(load ? { PUERTA_TEST_LOAD: '1' } : {}) } },
  );
  // Jest gets Ctrl-C from the terminal as we do; we wait for what it makes of it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
}
