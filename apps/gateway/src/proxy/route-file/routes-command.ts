import { parseArgs } from 'node:util';
import { ConfigError } from '@puerta/config';
import { EXIT_CONFIG } from '@puerta/service/runtime';
import type { RoutesConfig } from '../../config';
import type { ProxyRoute } from '../../routes/proxy-route';
import type { OwnPath } from './overlap';
import { readRouteFile, readRoutes } from './read-routes';
import { routesAsFile, routesAsText } from './routes-text';

const HELP = `The routes to services behind the gateway.

  npm run --silent routes -- <command> [options]
  node app.js routes <command> [options]                      in a container of the gateway

  check [FILE]   says what is wrong with a route file, line by line, as file:line:column: field: what
  print [FILE]   all routes, with all that is decided about each: those of the variables, then those of the file

  --json         the routes as a route file, in which nothing is left to a default
  --help         show this

FILE is what GATEWAY_ROUTES_FILE names unless told. The variables of the gateway that set routes count as they are in the
environment; none of them must be set. Exit code: 0 good, 1 something is wrong with a route, 2 misunderstood, 78 the
configuration is wrong.
`;

const COMMANDS = ['check', 'print'] as const;

interface Request {
  readonly command: (typeof COMMANDS)[number];
  readonly file: string | undefined;
  readonly json: boolean;
}

/** What a command says, and its exit code. */
export interface Said {
  readonly code: 0 | 1 | 2 | typeof EXIT_CONFIG;
  readonly out?: string;
  readonly err?: string;
}

class Misunderstood extends Error {}

/**
 * @param configure reads the environment; asked once it is known that it is needed
 * @param own the gateway's own routes
 */
export function routesCommand(args: readonly string[], configure: () => RoutesConfig, own: readonly OwnPath[]): Said {
  try {
    const request = understand(args);
    return request ? run(request, configure(), own) : { code: 0, out: HELP };
  } catch (error) {
    if (error instanceof Misunderstood) return { code: 2, err: `${error.message}. See: npm run routes -- --help\n` };
    // A variable may be well-formed and lead back to the gateway.
    if (error instanceof ConfigError) return { code: EXIT_CONFIG, err: `${error.message}\n` };
    throw error;
  }
}

function run({ command, file, json }: Request, config: RoutesConfig, own: readonly OwnPath[]): Said {
  const chosen = file ?? config.GATEWAY_ROUTES_FILE;
  if (command === 'check' && chosen === undefined) throw new Misunderstood('which file? check needs one');
  const found = chosen === undefined ? { routes: [], problems: [] } : readRouteFile(chosen, config, own);
  if (found.problems.length > 0) return { code: 1, err: found.problems.map((problem) => `${problem}\n`).join('') };
  const routes = [...readRoutes({ ...config, GATEWAY_ROUTES_FILE: undefined }, own), ...found.routes];
  if (command === 'check') return { code: 0, out: `${chosen} is good: ${inWords(found.routes)}\n` };
  return { code: 0, out: json ? routesAsFile(routes) : routesAsText(routes) };
}

function inWords({ length }: readonly ProxyRoute[]): string {
  return length === 1 ? '1 route' : `${length} routes`;
}

/** @throws Misunderstood */
function understand(args: readonly string[]): Request | undefined {
  const { values, positionals } = parsed(args);
  if (values.help === true || (positionals.length === 0 && Object.keys(values).length === 0)) return undefined;
  const [name = '', file, ...more] = positionals;
  const command = COMMANDS.find((one) => one === name);
  if (!command) throw new Misunderstood(name ? `there is no command ${JSON.stringify(name)}` : 'no command was given');
  if (more.length > 0) throw new Misunderstood(`${command} was given too much`);
  if (command === 'check' && values.json === true) throw new Misunderstood('check has no --json');
  return { command, file, json: values.json ?? false };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    throw new Misunderstood((error as Error).message.split('. ')[0]);
  }
}
