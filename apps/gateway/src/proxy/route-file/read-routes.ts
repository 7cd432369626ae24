import { ConfigError } from '@puerta/config';
import type { RoutesConfig } from '../../config';
import type { ProxyRoute } from '../../routes/proxy-route';
import { type OwnPath, overlapping } from './overlap';
import { isOwnPlace } from './own-place';
import { readTextFile } from './read-file';
import { parseRouteFile, SELF, type Surroundings } from './route-file';
import { routeOf } from './route-of';

type Taken = Surroundings['taken'];

/**
 * All routes to services behind the gateway: those that variables set, then those of the route file, which is read once.
 * @param own the gateway's own routes, with which none may overlap
 * @throws ConfigError naming everything that is wrong, each with its place in the file
 */
export function readRoutes(config: RoutesConfig, own: readonly OwnPath[]): readonly ProxyRoute[] {
  const taken = routesOfVariables(config);
  const problems = taken
    .filter(({ route }) => route.targets.some((target) => isOwnPlace(target, config)))
    .map(({ by }) => ({ variable: by, problem: SELF }));
  const file = config.GATEWAY_ROUTES_FILE;
  const found = file === undefined ? { routes: [], problems: [] } : readRouteFile(file, config, own);
  problems.push(...found.problems.map((problem) => ({ variable: 'GATEWAY_ROUTES_FILE', problem })));
  if (problems.length > 0) throw new ConfigError('gateway', problems);
  return [...taken.map(({ route }) => route), ...found.routes];
}

/**
 * The routes of a file alone.
 * @returns them, or everything that is wrong as `file:line:column: field: what`
 */
export function readRouteFile(
  file: string,
  config: RoutesConfig,
  own: readonly OwnPath[],
): { readonly routes: readonly ProxyRoute[]; readonly problems: readonly string[] } {
  const read = readTextFile(file);
  if ('problem' in read) return { routes: [], problems: [`${file}: ${read.problem}`] };
  const { routes, problems } = parseRouteFile(read.text, {
    taken: routesOfVariables(config),
    own,
    isOwnPlace: (target) => isOwnPlace(target, config),
    timeoutMs: config.GATEWAY_HTTP_CLIENT_TIMEOUT * 1_000,
  });
  const lines = problems.map(({ line, column, field, what }) =>
    [`${file}:${line}:${column}`, ...(field === '' ? [] : [field]), what].join(': '),
  );
  return { routes, problems: lines };
}

/** The routes of the three variables, those that are set. */
function routesOfVariables(config: RoutesConfig): Taken {
  const route = (by: keyof RoutesConfig & `${string}_SERVICE_URL`, name: string, guard: 'public' | 'strict'): Taken => {
    const target = config[by];
    if (target === undefined) return [];
    // An authentication service reads the tokens that it gave itself.
    const pass = guard === 'public' ? { pass: ['authorization' as const] } : {};
    const written = { name, prefix: `/api/v1/${name}`, target, guard, ...pass };
    return [{ by, route: routeOf(written, config.GATEWAY_HTTP_CLIENT_TIMEOUT * 1_000) }];
  };
  return [
    ...route('GATEWAY_INGEST_SERVICE_URL', 'ingest', 'strict'),
    ...route('GATEWAY_QUERY_SERVICE_URL', 'query', 'strict'),
    ...route('GATEWAY_AUTH_SERVICE_URL', 'auth', 'public'),
  ];
}

/**
 * For the table of own routes as it is served in the end.
 * @throws Error naming a route that overlaps one of them
 */
export function requireApart(routes: readonly ProxyRoute[], own: readonly OwnPath[]): void {
  for (const { name, prefix } of routes) {
    const theirs = overlapping(prefix, own);
    if (theirs) throw new Error(`the route ${name} overlaps ${theirs.method} ${theirs.pattern}, which is Puerta's own`);
  }
}
