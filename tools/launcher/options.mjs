// @ts-check
/** What `npm start` can be told, on the command line or by the environment. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { APPS, byName, SERVICES } from '../embedded/services.mjs';
import { Refusal } from './stopped.mjs';

export const HELP = `Starts Puerta on this machine: PostgreSQL, Redis and the apps.

  npm start -- [options]
  npm run migrate -- [options]     only brings the database up to date

  --port <n>             the gateway's port (${SERVICES.gateway.port}, or PORT); replica n of the gateway listens on <port>+n
  --data <folder>        where databases, secrets and logs are kept (.puerta)
  --database-url <url>   a PostgreSQL of yours instead of the embedded one (or DATABASE_URL)
  --redis-url <url>      a Redis 7 or Valkey of yours instead of the embedded one (or REDIS_URL)
  --replicas <list>      how many of each app, e.g. gateway=2,identity=3 (1 each)
  --no-demo              neither make the demo company nor start the demo services
  --verbose              show every line that the apps log, not only warnings and errors
  --clean                remove everything in the data folder, and what belongs to it elsewhere, and end
  --help                 show this

Apps: ${[...APPS].reverse().join(', ')}.
PUBLIC_URL is the address that QR codes hold; without it, this machine's address in the local network is taken, so that a
phone can scan them. Everything else that an app reads from the environment reaches it from here.

Ctrl-C stops everything. The data stay in the data folder; --clean removes them, to begin anew.`;

/** @typedef {ReturnType<typeof readOptions>} Options */

const REDIS = ['redis:', 'rediss:', 'redis-sentinel:', 'rediss-sentinel:', 'redis-cluster:', 'rediss-cluster:'];

/** More processes than this on one machine is a slip of the finger. */
const MOST_REPLICAS = 32;

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {{ cwd: string, workspace: string }} folders what a folder is relative to, and where the default one is
 * @throws Refusal naming what is wrong
 */
export function readOptions(args, env, { cwd, workspace }) {
  const values = parse(args);
  return {
    port:
      values.port === undefined
        ? readPort('PORT', env['PORT']?.trim() || `${SERVICES.gateway.port}`)
        : readPort('--port', values.port),
    data: values.data ? resolve(cwd, values.data) : join(workspace, '.puerta'),
    databaseUrl: readUrl('--database-url (DATABASE_URL)', values['database-url'] ?? env['DATABASE_URL'], [
      'postgres:',
      'postgresql:',
    ]),
    redisUrl: readUrl('--redis-url (REDIS_URL)', values['redis-url'] ?? env['REDIS_URL'], REDIS),
    replicas: readReplicas(values.replicas ?? ''),
    demo: !values['no-demo'],
    verbose: values.verbose,
    clean: values.clean,
    help: values.help,
  };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        'database-url': { type: 'string' },
        'redis-url': { type: 'string' },
        replicas: { type: 'string' },
        'no-demo': { type: 'boolean' },
        verbose: { type: 'boolean', default: false },
        clean: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new Refusal(`${/** @type {Error} */ (error).message.split('. ')[0]}. See: npm start -- --help`);
  }
}

/** @param {string} name @param {string} text */
function readPort(name, text) {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new Refusal(`${name}: "${text}" is not a port`);
  return port;
}

/** @param {string} name @param {string | undefined} text @param {string[]} protocols */
function readUrl(name, text, protocols) {
  if (!text?.trim()) return undefined;
  // Not by URL, which does not know of several hosts; the apps read it with care.
  const [protocol = ''] = /^[a-z-]+:(?=\/\/.)/.exec(text) ?? [];
  // The text is not repeated: it holds a password.
  if (!protocols.includes(protocol))
    throw new Refusal(`${name} must be a URL that begins with ${protocols.join(' or ')}//`);
  return text;
}

/** @param {string} text */
function readReplicas(text) {
  const replicas = byName(APPS, () => 1);
  for (const item of text.split(',').filter(Boolean)) {
    const [app = '', count = ''] = item.trim().split('=');
    if (!Object.hasOwn(replicas, app))
      throw new Refusal(`--replicas: there is no app "${app}"; there are ${APPS.join(', ')}`);
    if (!/^\d+$/.test(count) || Number(count) < 1 || Number(count) > MOST_REPLICAS) {
      throw new Refusal(`--replicas: "${item.trim()}" must be like ${app}=2, at most ${MOST_REPLICAS}`);
    }
    replicas[/** @type {keyof typeof replicas} */ (app)] = Number(count);
  }
  return replicas;
}
