import type { ProxyRoute } from '../../routes/proxy-route';
import { durationText, rateText, sizeText } from './units';

/** Routes as a route file, in which nothing is left to a default: JSON, which is YAML too. */
export function routesAsFile(routes: readonly ProxyRoute[]): string {
  return `${JSON.stringify({ routes: routes.map(fieldsOf) }, null, 2)}\n`;
}

/** Routes for people to read: a block for each, a line for each field. */
export function routesAsText(routes: readonly ProxyRoute[]): string {
  if (routes.length === 0) return 'there are no routes to services behind the gateway\n';
  return routes.map((route) => `${heading(route)}${rowsOf(route).map(row).join('')}`).join('\n');
}

function heading({ name, prefix }: ProxyRoute): string {
  return `${prefix} (${name})\n`;
}

function row([field, value]: readonly [string, unknown]): string {
  const text = Array.isArray(value)
    ? value.join(', ')
    : typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : String(value);
  return `  ${field.padEnd(20)}${text === '' ? 'none' : text}\n`;
}

/** The fields of a route, those within others by themselves; what is not said is none. */
function rowsOf(route: ProxyRoute): [string, unknown][] {
  const { timeouts, limits, ...fields } = fieldsOf(route);
  const parts = (field: string, inner: object): [string, unknown][] =>
    Object.entries(inner).map(([part, value]) => [`${field} ${part.replace('_', ' ')}`, value]);
  return [
    ...Object.entries(fields)
      .filter(([field]) => !IN_HEADING.includes(field))
      .map(([field, value]): [string, unknown] => [field.replace('_', ' '), value]),
    ...parts('timeout', { ...timeouts, whole: timeouts.whole ?? '' }),
    ...(Object.keys(limits).length > 0 ? parts('limit', limits) : parts('limits', { '': '' })),
  ];
}

const IN_HEADING = ['name', 'prefix'];

/** A route as one would write it who says everything. */
function fieldsOf({ requirement, timeouts, limits, pass, ...route }: ProxyRoute) {
  const { connectMs, headersMs, idleMs, wholeMs } = timeouts;
  const { perAddress, perUser, perCompany } = limits;
  const passed = (['authorization', 'cookies'] as const).filter((one) => pass[one]);
  return {
    name: route.name,
    prefix: route.prefix,
    targets: route.targets,
    guard: requirement.guard,
    ...(requirement.guard === 'strict' && { least_role: requirement.leastRole }),
    methods: route.methods,
    timeouts: {
      connect: durationText(connectMs),
      headers: durationText(headersMs),
      idle: durationText(idleMs),
      ...(wholeMs !== undefined && { whole: durationText(wholeMs) }),
    },
    body_limit: sizeText(route.bodyLimit),
    retries: route.retries,
    pass: passed,
    assertion: route.assertion,
    encoded_slashes: route.encodedSlashes,
    limits: {
      ...(perAddress && { per_address: rateText(perAddress) }),
      ...(perUser && { per_user: rateText(perUser) }),
      ...(perCompany && { per_company: rateText(perCompany) }),
    },
  };
}
