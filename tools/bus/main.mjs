// @ts-check
/** `npm run bus`: what an operator may want to know of the bus, or do to it. */
import { Refusal } from '../launcher/stopped.mjs';
import { acl } from './acl.mjs';
import { drop, retry } from './letters.mjs';
import { status } from './status.mjs';

const HELP = `npm run --silent bus -- <command> [options]

  status    how it stands with every service's messages
  retry     runs again what was given up (dead letters)
  drop      removes what was given up
  acl       the users of Redis and what each may do, as lines for its aclfile (or its redis.conf)

  --help    show this, or more about a command
`;

/** @type {Record<string, (args: string[], env: NodeJS.ProcessEnv) => Promise<void>>} */
const COMMANDS = { status, retry, drop, acl };

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code: 0 done, 1 it cannot be done, 2 misunderstood
 */
export async function main([name = '', ...args], env) {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const asked = name === '' || name === '--help' || name === '-h';
    (asked ? process.stdout : process.stderr).write(
      asked ? HELP : `there is no command ${JSON.stringify(name)}\n\n${HELP}`,
    );
    return asked ? 0 : 2;
  }
  try {
    await command(args, env);
    return 0;
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code?.startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`${message}. See: npm run bus -- ${name} --help\n`);
      return 2;
    }
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`${message}\n`);
    return 1;
  }
}
