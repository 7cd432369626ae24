// @ts-check
/** `npm run bus -- acl`: a user per app, as lines of an aclfile. */
import { parseArgs } from 'node:util';
import { built } from '../embedded/built.mjs';
import { redisUsers } from '../embedded/redis-users.mjs';
import { sha256 } from '../embedded/server.mjs';
import { APPS, variablePrefix } from '../embedded/services.mjs';
import { Refusal } from '../launcher/stopped.mjs';

/** Of few guesses a second no password need be afraid; of a stolen file, only long ones need not. */
const FEWEST_CHARACTERS = 20;

/** @param {string} name */
const variableOf = (name) => `${variablePrefix(name)}_REDIS_PASSWORD`;

const HELP = `npm run --silent bus -- acl [--prefix <prefix>] > users.acl

Prints a user for each app with what the contracts let it do in Redis 7 or Valkey, and nothing else. The lines are for the
file that "aclfile" names, or for redis.conf itself; each node needs them, since Redis does not replicate users.

The environment gives each app's password (or NAME_FILE, a file that holds it), at least ${FEWEST_CHARACTERS} characters; only its
SHA-256 is printed:

${[...APPS]
  .reverse()
  .map((app) => `  ${variableOf(app)}`)
  .join('\n')}
  ${variableOf('default')}    yours: the user "default", who may do everything. Without it "default" is
                            switched off; were the line missing, Redis would let anybody in as "default".

  --prefix <prefix>   BUS_PREFIX of the installation (or BUS_PREFIX, or bus). With another one than bus, users are called
                      <prefix>-gateway and so on: so installations can share one Redis
  --help              show this

Then each app has REDIS_URL=redis://<user>:<password>@host, e.g. redis://identity:…@redis.internal.
`;

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export async function acl(args, env) {
  const options = /** @type {const} */ ({ prefix: { type: 'string' }, help: { type: 'boolean', short: 'h' } });
  const { values } = parseArgs({ args, options });
  process.stdout.write(values.help ? HELP : aclFile({ ...env, ...(values.prefix && { BUS_PREFIX: values.prefix }) }));
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} the lines of an aclfile
 * @throws Refusal naming every problem
 */
export function aclFile(env) {
  const { commonConfig, ConfigError, defineConfig, loadConfig } = built('libs/config/src/index');
  const passwords = [...APPS, 'default'].map((name) => [variableOf(name), passwordOf(name)]);
  const definition = defineConfig('acl', { BUS_PREFIX: commonConfig.BUS_PREFIX, ...Object.fromEntries(passwords) });
  try {
    const config = loadConfig(definition, { NODE_ENV: 'production', ...env });
    const users = redisUsers(
      config.BUS_PREFIX,
      /** @type {Record<import('../embedded/services.mjs').App, string>} */ (
        Object.fromEntries(APPS.map((app) => [app, config[variableOf(app)]]))
      ),
    );
    const operator = config[variableOf('default')];
    const lines = [
      operator === undefined ? 'default reset off' : `default reset on #${sha256(operator)} ~* &* +@all`,
      ...APPS.map((app) => users[app].join(' ')),
    ];
    return lines.map((line) => `user ${line}\n`).join('');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = /** @type {{ problems: { variable: string, problem: string }[] }} */ (error);
    const lines = problems.map(({ variable, problem }) => `  ${variable} ${problem}\n`);
    throw new Refusal(`the environment is not complete:\n${lines.join('')}See: npm run bus -- acl --help`);
  }
}

/** @param {string} name */
function passwordOf(name) {
  const { Unfit, variable } = built('libs/config/src/index');
  const meta = {
    secret: true,
    expected: `a password of at least ${FEWEST_CHARACTERS} characters`,
    example: 'openssl rand -hex 24',
  };
  const password = variable(`Password of ${name}`, meta, (/** @type {string} */ text) => {
    if (text.length < FEWEST_CHARACTERS) throw new Unfit(`is shorter than ${FEWEST_CHARACTERS} characters`);
    return text;
  });
  return name === 'default' ? password.optional() : password;
}
