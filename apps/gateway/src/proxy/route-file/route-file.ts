import type { ProxyRoute } from '../../routes/proxy-route';
import { type OwnPath, overlapping } from './overlap';
import { type FieldFault, readFields, unknownField, type WrittenRoute } from './route-fields';
import { type CompleteRoute, routeOf } from './route-of';
import { faultsTogether } from './route-rules';
import { type Path, type Problem, readYaml, type YamlText } from './yaml-text';

/** What the routes of a file must not collide with, and what they take where they say nothing. */
export interface Surroundings {
  /** The routes that variables have set, and which variable it was. */
  readonly taken: readonly { readonly route: ProxyRoute; readonly by: string }[];
  readonly own: readonly OwnPath[];
  /** Whether an origin is the gateway's own. */
  isOwnPlace(target: string): boolean;
  readonly timeoutMs: number;
}

const MAX_ROUTES = 500;

/**
 * Reads the text of a route file.
 * @returns its routes, or everything that is wrong with it, in the order of the file; it throws nothing
 */
export function parseRouteFile(
  text: string,
  surroundings: Surroundings,
): { readonly routes: readonly ProxyRoute[]; readonly problems: readonly Problem[] } {
  const yaml = readYaml(text);
  if (!('value' in yaml)) return { routes: [], problems: yaml };
  const { items, problems } = itemsOf(yaml);
  const read = items.map((item, at) => readRoute(yaml, item, ['routes', at], surroundings, problems));
  problems.push(...repetitions(yaml, read));
  problems.sort((one, other) => one.line - other.line || one.column - other.column);
  const routes = problems.length > 0 ? [] : read.map((one) => routeOf(one as CompleteRoute, surroundings.timeoutMs));
  return { routes, problems };
}

/** The file is a map with one field, so that there is room for more. */
function itemsOf(yaml: YamlText): { items: readonly unknown[]; problems: Problem[] } {
  if (!isMap(yaml.value)) return { items: [], problems: [yaml.problem([], 'is not a map with the field routes')] };
  const problems = Object.keys(yaml.value)
    .filter((key) => key !== 'routes')
    .map((key) => yaml.problemOfKey([key], unknownField([key], ['routes']).what));
  const { routes } = yaml.value;
  if (routes === undefined) problems.push(yaml.problem([], 'does not have the field routes'));
  else if (!Array.isArray(routes)) problems.push(yaml.problem(['routes'], 'is not a list'));
  else if (routes.length > MAX_ROUTES) problems.push(yaml.problem(['routes'], `has more than ${MAX_ROUTES} items`));
  else return { items: routes, problems };
  return { items: [], problems };
}

function readRoute(
  yaml: YamlText,
  item: unknown,
  path: Path,
  surroundings: Surroundings,
  problems: Problem[],
): WrittenRoute {
  if (!isMap(item)) {
    problems.push(yaml.problem(path, 'is not a map of fields'));
    return {};
  }
  const { route, faults } = readFields(item);
  for (const fault of [...faults, ...faultsTogether(item, route), ...faultsOutside(route, surroundings)]) {
    const place = [...path, ...fault.path];
    problems.push(fault.key ? yaml.problemOfKey(place, fault.what) : yaml.problem(place, fault.what));
  }
  return route;
}

function faultsOutside({ name, prefix, target, targets }: WrittenRoute, { taken, own, isOwnPlace }: Surroundings) {
  const faults: FieldFault[] = [];
  const fault = (path: FieldFault['path'], what: string): void => void faults.push({ path, key: false, what });
  for (const { route, by } of taken) {
    if (name === route.name) fault(['name'], `is that of the route of ${by}`);
    if (prefix === route.prefix) fault(['prefix'], `is that of the route of ${by}`);
  }
  const theirs = prefix === undefined ? undefined : overlapping(prefix, own);
  if (theirs) fault(['prefix'], `overlaps ${theirs.method} ${theirs.pattern}, which is Puerta's own`);
  if (target !== undefined && isOwnPlace(target)) fault(['target'], SELF);
  targets?.forEach((one, at) => {
    if (isOwnPlace(one)) fault(['targets', at], SELF);
  });
  return faults;
}

export const SELF = 'is the gateway itself';

/** Names and prefixes that stand twice in the file, at the later one. */
function repetitions(yaml: YamlText, routes: readonly WrittenRoute[]): Problem[] {
  return (['name', 'prefix'] as const).flatMap((field) => {
    const seen = new Map<string, number>();
    return routes.flatMap(({ [field]: value }, at) => {
      const first = value === undefined ? undefined : seen.get(value);
      if (value !== undefined && first === undefined) seen.set(value, at);
      if (first === undefined) return [];
      const { line } = yaml.problem(['routes', first, field], '');
      return [yaml.problem(['routes', at, field], `is the same as in line ${line}`)];
    });
  });
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
