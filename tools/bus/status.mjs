// @ts-check
/** `npm run bus -- status`: how it stands with every service's messages. Never what they say. */
import { parseArgs } from 'node:util';
import { built, contracts } from '../embedded/built.mjs';
import { placeOf, withRedis } from './place.mjs';

const HELP = `npm run --silent bus -- status [--json] [--data <folder>]

Shows of each service its replicas and when they were last heard, its streams (messages that wait, messages in the hands of
replicas, the age of the oldest), and its dead letters: messages that several replicas were given and none answered.

  --json            the same as JSON
  --data <folder>   the data folder of npm start (.puerta), where REDIS_BUS_URL and REDIS_URL are not set
  --help            show this
`;

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
export async function status(args, env) {
  const options = /** @type {const} */ ({
    json: { type: 'boolean' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  const { values } = parseArgs({ args, options });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const all = await readStatus(placeOf(env, values.data));
  process.stdout.write(values.json ? `${JSON.stringify(all, null, 2)}\n` : all.map(page).join('\n'));
}

/**
 * @typedef {object} Letter
 * @property {string} id
 * @property {string} pattern
 * @property {string} caller
 * @property {string} lane
 * @property {number} deliveries
 * @property {string} sent_at
 * @property {string} given_up_at
 */

/**
 * @typedef {object} Callee
 * @property {string} callee
 * @property {number} replicas
 * @property {Record<string, number>} leases
 * @property {{ caller: string, lane: string, waiting: number, pending: number, oldestMs: number, holders: Record<string, number> }[]} streams
 * @property {Letter[]} deadLetters
 */

/**
 * @param {{ url: string, prefix: string }} place
 * @returns {Promise<Callee[]>}
 */
export async function readStatus({ url, prefix }) {
  const { DeadLetters, inspect } = built('libs/messaging/src/index');
  const { Keys } = built('libs/messaging/src/wire/keys');
  return Promise.all(
    contracts().map((contract) =>
      withRedis(url, new Keys(prefix).leases(contract.name), async (client) => {
        const run = (
          /** @type {{ source: string }} */ script,
          /** @type {string[]} */ keys,
          /** @type {string[]} */ args,
        ) => client.eval(script.source, keys.length, ...keys, ...args);
        const found = await inspect(run, contract, prefix);
        const letters = await new DeadLetters(client, prefix, contract.name).list();
        return { ...found, deadLetters: letters.map(shown) };
      }),
    ),
  );
}

/** @param {any} letter @returns {Letter} */
function shown({ id, pattern, caller, lane, deliveries, sentAt, gaveUpAt }) {
  const [sent_at, given_up_at] = [sentAt, gaveUpAt].map((ms) => new Date(ms).toISOString());
  return { id, pattern, caller, lane, deliveries, sent_at: String(sent_at), given_up_at: String(given_up_at) };
}

/** @param {Callee} callee */
function page({ callee, replicas, leases, streams, deadLetters }) {
  const lines = [`${callee}: ${replicas} ${replicas === 1 ? 'replica takes' : 'replicas take'} messages`];
  for (const [replica, ms] of Object.entries(leases)) {
    const held = streams.reduce((sum, { holders }) => sum + (holders[replica] ?? 0), 0);
    lines.push(`  replica ${replica}  heard ${age(ms)} ago, has ${held} in hand`);
  }
  for (const { caller, lane, waiting, pending, oldestMs } of streams) {
    const oldest = waiting + pending > 0 ? `, the oldest ${age(oldestMs)} old` : '';
    lines.push(`  ${`from ${caller}, ${lane}`.padEnd(26)}  ${waiting} waiting, ${pending} in hand${oldest}`);
  }
  for (const letter of deadLetters) {
    const { id, pattern, caller, deliveries, given_up_at } = letter;
    lines.push(
      `  dead letter ${id}  ${pattern} from ${caller}, given to replicas ${deliveries} times, given up ${given_up_at}`,
    );
  }
  return `${lines.map(printable).join('\n')}\n`;
}

/** @param {number} ms */
function age(ms) {
  return ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

/** What others wrote must not steer the terminal. @param {string} text */
function printable(text) {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
