// @ts-check
/**
 * `npm start`, from a bare clone to a card that can be scanned, and `npm run migrate`, which goes as far as the database.
 * Until the packages are installed, only Node's own modules are used.
 */
import { portProblem } from '../embedded/process.mjs';
import { clean } from './clean.mjs';
import { endLeftovers, takeDataFolder } from './data-folder.mjs';
import { inherited } from './environment.mjs';
import { interruption, untilAborted } from './interruption.mjs';
import { HELP, readOptions } from './options.mjs';
import { Refusal, Stopped } from './stopped.mjs';
import { Terminal } from './terminal.mjs';
import { ensurePackages, WORKSPACE } from './workspace.mjs';

/** @typedef {'start' | 'migrate'} Task */

/**
 * @param {Task} task
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function main(task, args, env) {
  const terminal = new Terminal();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // the terminal may be closed
  try {
    const options = readOptions(args, env, { cwd: env['INIT_CWD'] ?? process.cwd(), workspace: WORKSPACE });
    if (options.help) terminal.print(HELP);
    else if (options.clean) await clean(options.data, terminal);
    else
      await run(
        task,
        options,
        inherited(env, options, (message) => terminal.warn(message)),
        terminal,
      );
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return 0;
    terminal.fail(inWords(/** @type {Error} */ (error)));
    return 1;
  }
}

/**
 * A plain Error was thrown for people to read, by us or by the system; of a TypeError and the like the place matters.
 *
 * @param {Error} error
 */
function inWords(error) {
  return error instanceof Refusal || error.constructor === Error ? error.message : String(error.stack);
}

/**
 * Runs until the task is done, which for `start` is when it is told to stop.
 *
 * @param {Task} task
 * @param {import('./options.mjs').Options} options
 * @param {NodeJS.ProcessEnv} env
 * @param {Terminal} terminal
 */
async function run(task, options, env, terminal) {
  /** @type {import('./installation.mjs').Installation | undefined} */
  let installation;
  const signal = interruption(terminal, async () => installation?.kill());
  const lock = await takeDataFolder(options.data, signal);
  signal.addEventListener('abort', lock.leave);
  try {
    await endLeftovers(options.data);
    if (task === 'start') await refuseBusyPorts(options);
    await ensurePackages(terminal, signal);
    const { Installation } = await import('./installation.mjs');
    signal.throwIfAborted();
    installation = new Installation(options, env, terminal, signal);
    const ended = Promise.race([untilAborted(signal), installation.servers.failed]);
    await Promise.race([installation.run(task), ended]);
    if (task === 'start') await ended;
  } finally {
    await installation?.stop();
    lock.release();
  }
}

/** @param {import('./options.mjs').Options} options */
async function refuseBusyPorts({ port, replicas }) {
  for (let n = 0; n < replicas.gateway; n += 1) {
    const problem = await portProblem(port + n);
    if (!problem) continue;
    const reason = problem === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${problem})`;
    throw new Refusal(
      `port ${port + n} ${reason}; choose another one, e.g.: npm start -- --port ${(port % 50_000) + 10_000}`,
    );
  }
}
