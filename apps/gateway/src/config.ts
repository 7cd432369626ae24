import {
  accessTokenConfig,
  cidrs,
  commonConfig,
  type ConfigOf,
  defineConfig,
  flag,
  host,
  integer,
  logLevel,
  origin,
  origins,
  port,
  publicUrl,
  seconds,
  storageConfig,
  upstream,
  variable,
} from '@puerta/config';
import { services } from '@puerta/contracts/core';

/** Where the gateway is, by which a route to itself is known. */
const placeConfig = {
  PORT: port('Port of the public HTTP server').default(services.gateway.port),
  HOST: host('Address the public HTTP server listens on').default('0.0.0.0'),
};

/** What is forwarded to services behind the gateway. */
const proxyConfig = {
  GATEWAY_INGEST_SERVICE_URL: upstream('The service behind /api/v1/ingest, for members of a company').optional(),
  GATEWAY_QUERY_SERVICE_URL: upstream('The service behind /api/v1/query, for members of a company').optional(),
  GATEWAY_AUTH_SERVICE_URL: upstream('The service behind /api/v1/auth, for anybody').optional(),
  GATEWAY_ROUTES_FILE: variable(
    'More routes to services behind the gateway ([the format](proxy.md#the-route-file))',
    { expected: 'the path of a YAML file' },
    (text) => text,
  ).optional(),
  GATEWAY_HTTP_CLIENT_TIMEOUT: seconds(
    'How long a service may take to be connected to, to begin its answer, and to be silent within it',
    { min: 1, max: 3_600 },
  ).default(60),
  GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS: integer('Most connections of one replica to services behind it', {
    min: 1,
    max: 10_000,
  }).default(200),
  GATEWAY_HTTP_CLIENT_MAX_KEEPALIVE_CONNECTIONS: integer('Most of them that are kept while nothing is asked', {
    min: 0,
    max: 10_000,
  })
    .meta({ atMost: 'GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS' })
    .default(100),
};

/** The variables of the gateway. */
export const gatewayConfig = defineConfig('gateway', {
  ...commonConfig,
  ...placeConfig,
  PUBLIC_URL: publicUrl('Where people and other services reach the gateway; the issuer of its tokens'),
  ...accessTokenConfig,
  ...storageConfig,
  FRONTEND_PROFILE_URL: publicUrl('The page that shows a scanned card; the built-in one when not set').optional(),
  GATEWAY_CORS_ORIGINS: origins('Origins of browser applications that may call the API with credentials').default([]),
  VERCEL_FRONTEND_URL: origin('One more origin, that of a front end on Vercel').optional(),
  NGROK_URL: origin('One more origin, that of a tunnel in development').optional(),
  GATEWAY_LOG_LEVEL: logLevel('The least important messages that the gateway logs')
    .meta({ sources: ['LOG_LEVEL'] })
    .default('info'),
  GATEWAY_RATE_LIMIT: flag('Limits of requests; off is for load tests', (value, environment) =>
    !value && environment === 'production' ? 'is off' : undefined,
  ).default(true),
  GATEWAY_RATE_LIMIT_PER_ADDRESS: integer('Requests a minute from one address (an IPv6 /64 counts as one)', {
    min: 10,
    max: 1_000_000,
  }).default(600),
  GATEWAY_RATE_LIMIT_PER_USER: integer('Requests a minute by one user', { min: 10, max: 1_000_000 }).default(600),
  GATEWAY_RATE_LIMIT_PER_COMPANY: integer('Requests a minute by all members of one company together', {
    min: 10,
    max: 10_000_000,
  }).default(6_000),
  GATEWAY_TRUSTED_PROXIES: cidrs('Proxies in front of the gateway whose X-Forwarded-For is believed').default([]),
  GATEWAY_SHUTDOWN_DELAY: seconds(
    'How long it goes on serving after SIGTERM, not ready any more, until load balancers have noticed; 5 in Kubernetes',
    { min: 0, max: 10 },
  ).default(0),
  ...proxyConfig,
});

export type GatewayConfig = ConfigOf<typeof gatewayConfig>;

/** What of it decides about proxied routes: for `npm run routes`, which needs nothing else to be set. */
export const routesConfig = defineConfig('gateway', {
  ...placeConfig,
  INTERNAL_PORT: commonConfig.INTERNAL_PORT,
  PUBLIC_URL: gatewayConfig.shape.PUBLIC_URL.optional(),
  ...proxyConfig,
});

export type RoutesConfig = ConfigOf<typeof routesConfig>;

/** Every origin that CORS admits. */
export function allowedOrigins(config: GatewayConfig): ReadonlySet<string> {
  const more = [config.VERCEL_FRONTEND_URL, config.NGROK_URL].filter((one) => one !== undefined);
  return new Set([...config.GATEWAY_CORS_ORIGINS, ...more]);
}
