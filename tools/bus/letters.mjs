// @ts-check
/** `npm run bus -- retry` and `drop`: what becomes of dead letters. */
import { parseArgs } from 'node:util';
import { built, contracts } from '../embedded/built.mjs';
import { Refusal } from '../launcher/stopped.mjs';
import { placeOf, withRedis } from './place.mjs';

/** @type {Record<'retry' | 'drop', { does: string, done: string }>} */
const WORDS = {
  retry: {
    does: `Puts dead letters back on their streams for a minute. Each is the same message with the same id, so that what its handler
has done already is not done twice (where the handler uses the inbox). Nobody hears the answer.`,
    done: 'put back',
  },
  drop: { does: 'Removes dead letters for good.', done: 'dropped' },
};

/** @param {'retry' | 'drop'} verb */
const helpOf = (verb) => `npm run --silent bus -- ${verb} <service> <id …|--all> [--data <folder>]

${WORDS[verb].does}

  <service>         ${contracts()
    .map(({ name }) => name)
    .join(', ')}
  <id …>            of messages, as npm run bus -- status shows them
  --all             all that the service has
  --data <folder>   the data folder of npm start (.puerta), where REDIS_BUS_URL and REDIS_URL are not set
  --help            show this
`;

/** @type {(args: string[], env: NodeJS.ProcessEnv) => Promise<void>} */
export const retry = (args, env) => settle('retry', args, env);

/** @type {(args: string[], env: NodeJS.ProcessEnv) => Promise<void>} */
export const drop = (args, env) => settle('drop', args, env);

/**
 * @param {'retry' | 'drop'} verb
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function settle(verb, args, env) {
  const options = /** @type {const} */ ({
    all: { type: 'boolean' },
    data: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(helpOf(verb));
    return;
  }
  const [service, ...ids] = positionals;
  const contract = contracts().find(({ name }) => name === service);
  if (!contract)
    throw new Refusal(
      `name a service: ${contracts()
        .map(({ name }) => name)
        .join(', ')}`,
    );
  if (ids.length > 0 === (values.all === true)) throw new Refusal('name the ids of dead letters, or say --all');

  const { url, prefix } = placeOf(env, values.data);
  const { DeadLetters } = built('libs/messaging/src/index');
  const { Keys } = built('libs/messaging/src/wire/keys');
  await withRedis(url, new Keys(prefix).dead(contract.name), async (client) => {
    const letters = new DeadLetters(client, prefix, contract.name);
    const all = await letters.list();
    const chosen = values.all ? all : all.filter((/** @type {{ id: string }} */ { id }) => ids.includes(id));
    const missing = ids.filter((id) => !all.some((/** @type {{ id: string }} */ letter) => letter.id === id));
    if (missing.length > 0) throw new Refusal(`${service} has no dead letter ${missing.join(', ')}; nothing was done`);
    let done = 0;
    for (const letter of chosen) if (await letters[verb](letter)) done += 1;
    process.stdout.write(`${done} ${done === 1 ? 'message' : 'messages'} ${WORDS[verb].done}\n`);
  });
}
