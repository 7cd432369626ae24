// @ts-check
/** What the environment of `npm start` may say, beside what `npm start` decides by itself. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { built, configurations } from '../embedded/built.mjs';
import { LIBPQ } from '../embedded/postgres.mjs';
import { OWNERS, variablePrefix } from '../embedded/services.mjs';
import { Refusal } from './stopped.mjs';

/** Where things are, `npm start` knows: another place named by the environment is a contradiction. What to give instead. */
const INSTEAD = {
  REDIS_URL_FILE: 'REDIS_URL',
  DATABASE_URL_FILE: 'DATABASE_URL',
  ...Object.fromEntries(
    OWNERS.map((app) => `${variablePrefix(app)}_DATABASE_URL`).flatMap((name) =>
      [name, `${name}_FILE`].map((each) => [each, 'DATABASE_URL, and each service gets a role of its own there']),
    ),
  ),
};

/** Of each process; the launcher asks all of them on the loopback. */
const OURS = ['INTERNAL_HOST', 'INTERNAL_PORT', 'PUERTA_EXIT_WITH_PARENT'];

/** At which the launcher, and whoever reads its banner, reaches the gateway. */
const LISTENS = ['0.0.0.0', '::', '127.0.0.1', 'localhost'];

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {{ databaseUrl?: string }} options
 * @param {(message: string) => void} warn told of what is not used
 * @returns {NodeJS.ProcessEnv} what of it counts; blank is not set, as for the apps
 * @throws Refusal naming the variable that contradicts what `npm start` decides
 */
export function inherited(env, { databaseUrl }, warn) {
  const isOurs = (/** @type {string} */ name) => OURS.includes(name) || (!databaseUrl && LIBPQ.includes(name));
  const set = Object.fromEntries(Object.entries(env).filter(([name, text]) => text?.trim() && !isOurs(name)));
  for (const [name, instead] of Object.entries(INSTEAD)) {
    if (set[name])
      throw new Refusal(`${name} is not for npm start, which decides that itself; unset it, or give ${instead}`);
  }
  const { HOST = '', NODE_ENV, PUBLIC_URL } = set;
  if (HOST && isIP(HOST) === 0 && HOST !== 'localhost')
    delete set['HOST']; // some shells put this machine's name there
  else if (HOST && !LISTENS.includes(HOST)) throw new Refusal(`HOST must be one of ${LISTENS.join(', ')}, or not set`);
  if (NODE_ENV && NODE_ENV !== 'development' && PUBLIC_URL && !/^\s*https:/.test(PUBLIC_URL)) {
    throw new Refusal(`PUBLIC_URL must begin with https:// while NODE_ENV is ${NODE_ENV}`);
  }
  if (NODE_ENV && NODE_ENV !== 'development' && !PUBLIC_URL) {
    warn(
      `NODE_ENV=${NODE_ENV} is not used: it needs a PUBLIC_URL that begins with https://. The apps run as development.`,
    );
    delete set['NODE_ENV'];
  }
  return set;
}

/**
 * The environment of one app: what the user's says goes above what we made; where things are, we know better.
 *
 * @param {Record<string, string>} made by us
 * @param {NodeJS.ProcessEnv} env of the user, as `inherited` gives it
 * @param {{ REDIS_URL: string, PUBLIC_URL: string, PORT: string }} known
 * @returns {Record<string, string>}
 */
export function environmentOf(made, env, known) {
  const unlessInFile = Object.fromEntries(Object.entries(made).filter(([name]) => !env[`${name}_FILE`]));
  return /** @type {Record<string, string>} */ ({
    NODE_ENV: 'development',
    HOST: hasIpv6() ? '::' : '0.0.0.0', // the first means both
    ...unlessInFile,
    ...env,
    ...known,
  });
}

/**
 * Asks the apps what they think of it, before anything is started for them.
 *
 * @param {Record<import('../embedded/services.mjs').App, NodeJS.ProcessEnv>} environments
 * @throws Refusal naming all that is wrong, and no value
 */
export function refuseBadConfiguration(environments) {
  const { ConfigError, loadConfig } = built('libs/config/src/index');
  const problems = new Set();
  for (const definition of configurations()) {
    try {
      const config = loadConfig(definition, environments[/** @type {keyof typeof environments} */ (definition.app)]);
      // Its own routes, which none may overlap, it knows itself: to load them all takes a second.
      if (config.GATEWAY_ROUTES_FILE) built('apps/gateway/src/proxy/route-file/read-routes').readRoutes(config, []);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const { variable, problem } of /** @type {any} */ (error).problems) problems.add(`  ${variable} ${problem}`);
    }
  }
  if (problems.size > 0) throw new Refusal(['the environment cannot be used:', ...problems].join('\n'));
}

function hasIpv6() {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'));
}
