import {
  PROXIED_METHODS,
  type ProxiedMethod,
  type ProxyLimits,
  type ProxyRoute,
  type ProxyTimeouts,
} from '../../routes/proxy-route';
import type { WrittenRoute } from './route-fields';

/** Most bytes of a request's body, where a route does not say. */
export const DEFAULT_BODY_LIMIT = 2 ** 30;
const DEFAULT_RETRIES = 1;

/** Of a route without faults: what must be said is there. */
export type CompleteRoute = WrittenRoute & Required<Pick<WrittenRoute, 'name' | 'prefix' | 'guard'>>;

/**
 * A route with all that it does not say.
 * @param timeoutMs what bounds each wait where the route says nothing
 */
export function routeOf(written: CompleteRoute, timeoutMs: number): ProxyRoute {
  const { name, prefix, guard, target, targets, pass = [] } = written;
  return {
    name,
    prefix,
    targets: targets ?? (target === undefined ? [] : [target]),
    requirement: guard === 'strict' ? { guard, leastRole: written.least_role ?? 'member' } : { guard },
    methods: methodsOf(written.methods ?? PROXIED_METHODS),
    timeouts: timeoutsOf(written.timeouts ?? {}, timeoutMs),
    bodyLimit: written.body_limit ?? DEFAULT_BODY_LIMIT,
    retries: written.retries ?? DEFAULT_RETRIES,
    pass: { authorization: pass.includes('authorization'), cookies: pass.includes('cookies') },
    assertion: written.assertion ?? false,
    encodedSlashes: written.encoded_slashes ?? false,
    limits: limitsOf(name, written.limits ?? {}),
  };
}

/** In one order, and HEAD with GET, of which it is a part (RFC 9110, 9.3.2). */
function methodsOf(given: readonly ProxiedMethod[]): ProxiedMethod[] {
  return PROXIED_METHODS.filter((method) => given.includes(method) || (method === 'HEAD' && given.includes('GET')));
}

/** What a route does not say is never longer than the whole that it says. */
function timeoutsOf(given: NonNullable<WrittenRoute['timeouts']>, timeoutMs: number): ProxyTimeouts {
  const otherwise = Math.min(timeoutMs, given.whole ?? timeoutMs);
  return {
    connectMs: given.connect ?? otherwise,
    headersMs: given.headers ?? otherwise,
    idleMs: given.idle ?? otherwise,
    wholeMs: given.whole,
  };
}

function limitsOf(name: string, given: NonNullable<WrittenRoute['limits']>): ProxyLimits {
  const { per_address, per_user, per_company } = given;
  return {
    ...(per_address && { perAddress: { name: `route-${name}-address`, ...per_address } }),
    ...(per_user && { perUser: { name: `route-${name}-user`, ...per_user } }),
    ...(per_company && { perCompany: { name: `route-${name}-company`, ...per_company } }),
  };
}
