import { PROXIED_METHODS, type ProxyRoute } from '../src/routes/proxy-route';

/** A route of the proxy as tests need it: StrictAuth, and times of a second. */
export function proxied(target: string, more: Partial<ProxyRoute> = {}): ProxyRoute {
  return {
    name: 'query',
    prefix: '/api/v1/query',
    targets: [target],
    requirement: { guard: 'strict', leastRole: 'member' },
    methods: PROXIED_METHODS,
    timeouts: { connectMs: 1_000, headersMs: 1_000, idleMs: 1_000, wholeMs: undefined },
    bodyLimit: 1_000_000,
    retries: 1,
    pass: { authorization: false, cookies: false },
    assertion: false,
    encodedSlashes: false,
    limits: {},
    ...more,
  };
}
