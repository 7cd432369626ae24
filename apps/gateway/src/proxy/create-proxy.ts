import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Authenticator } from '@puerta/auth';
import { type InvalidationSubscriber, invalidationsOfService } from '@puerta/messaging';
import type { Metrics } from '@puerta/observability';
import { allowedOrigins, type GatewayConfig } from '../config';
import { Assertions } from './assertions';
import { ConnectionPool } from './connection-pool';
import type { ForwardingTools } from './forwarding';
import { LiveConnections } from './live-connections';
import { Proxy, type ProxyOptions } from './proxy';
import { measureProxy } from './proxy-metrics';

/** Of our own security headers, what a service's answer gets too: the rest would be a policy for pages that we do not know. */
const PROXIED_HEADERS: ReadonlySet<string> = new Set(['x-content-type-options', 'strict-transport-security']);

export interface ProxySetup extends Pick<ProxyOptions, 'routes'>, Pick<ForwardingTools, 'problems' | 'record'> {
  readonly config: GatewayConfig;
  readonly metrics: Metrics;
  /** What every answer of the API has. */
  readonly securityHeaders: Readonly<Record<string, string>>;
}

/** The proxy of a gateway, with all that it needs; its routes are not yet those of the app. */
export function createProxy(app: NestFastifyApplication, setup: ProxySetup): Proxy {
  const { config, metrics, securityHeaders, ...rest } = setup;
  const pool = new ConnectionPool({
    maxConnections: config.GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS,
    maxIdle: config.GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS,
  });
  const live = new LiveConnections(app.get(Authenticator), {
    facts: app.get<InvalidationSubscriber>(invalidationsOfService('identity')),
    keys: app.get<InvalidationSubscriber>(invalidationsOfService('token-service')),
  });
  const proxy = new Proxy({
    ...rest,
    pool,
    live,
    origins: new Set([...allowedOrigins(config), new URL(config.PUBLIC_URL).origin]),
    assertions: app.get(Assertions),
    answerHeaders: Object.entries(securityHeaders).flatMap(([name, value]) =>
      PROXIED_HEADERS.has(name) ? [name, value] : [],
    ),
  });
  measureProxy(metrics, { upstreams: proxy.upstreams, pool, live });
  return proxy;
}
