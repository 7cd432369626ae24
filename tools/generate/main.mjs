// @ts-check
/** `npm run generate`: whole, tested skeletons of services and routes, to be filled. */
import { parseArgs } from 'node:util';
import { Refusal } from '../launcher/stopped.mjs';
import { addRoute } from './route.mjs';
import { addService } from './service.mjs';
import { Tree } from './tree.mjs';

const HELP = `npm run generate -- service NAME [--database]
npm run generate -- route METHOD PATH --service NAME [--guard GUARD]

  service   a service NAME (e.g. print-shop) with a route GET /api/v1/NAME that works; with --database, also POST
  route     METHOD (GET, POST, PUT, PATCH or DELETE) PATH (e.g. /api/v1/cards/{card_id}/notes): its controller in the gateway,
            its pattern, its work in the service, and tests of both. What is not GET changes something, once for each
            Idempotency-Key, for which the service needs a database

  --guard <guard>   who may: strict:ROLE (a member of a company with at least that role), initial (any user), public; initial
                    unless told
  --dry-run         only say which files would be written
  --help            show this

Nothing that exists is overwritten. Then: npm run docs, npm test, npm start.
`;

/**
 * @param {string[]} args
 * @param {string} root of the project
 * @returns {Promise<number>} the exit code
 */
export async function main(args, root) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        database: { type: 'boolean' },
        service: { type: 'string' },
        guard: { type: 'string' },
        'dry-run': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const [what, first, second, ...more] = positionals;
    const [service, route] = [what === 'service' && first && !second, what === 'route' && second && more.length === 0];
    if (values.help || !(service || route)) {
      console.log(HELP);
      return values.help ? 0 : 1;
    }
    const tree = new Tree(root);
    if (service) addService(tree, String(first), values.database ?? false);
    else addRoute(tree, { method: String(first), path: String(second), service: values.service, guard: values.guard });
    for (const file of values['dry-run'] ? tree.files : await tree.write()) console.log(file);
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal) && !(/** @type {any} */ (error).code?.startsWith('ERR_PARSE_ARGS'))) throw error;
    console.error(`${/** @type {Error} */ (error).message}; see npm run generate -- --help`);
    return 1;
  }
}
