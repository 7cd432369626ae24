// @ts-check
/** `npm run tokens`: what a token says, and who would take it. */
import { Refusal } from '../launcher/stopped.mjs';
import { inspect } from './inspect.mjs';
import { printable } from './words.mjs';

const HELP = `npm run --silent tokens -- <command> [options]

  inspect   decodes a token and explains why each of Puerta's verifiers takes or refuses it

  --help    show this, or more about a command
`;

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {NodeJS.ReadStream} stdin
 * @returns {Promise<number>} the exit code: 0 the token is good, 1 it is refused, 2 it could not be looked at
 */
export async function main([name = '', ...args], env, stdin) {
  if (name !== 'inspect') {
    const asked = name === '' || name === '--help' || name === '-h';
    // What is no command may well be a token: it is not repeated.
    (asked ? process.stdout : process.stderr).write(asked ? HELP : `there is no such command\n\n${HELP}`);
    return asked ? 0 : 2;
  }
  try {
    return await inspect(args, env, stdin);
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code?.startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write('an option is not known or lacks its value. See: npm run tokens -- inspect --help\n');
      return 2;
    }
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`${message.split('\n').map(printable).join('\n')}\n`);
    return 2;
  }
}
