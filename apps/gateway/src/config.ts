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
  storageConfig,
} from '@puerta/config';
import { services } from '@puerta/contracts/core';

/** The variables of the gateway. */
export const gatewayConfig = defineConfig('gateway', {
  ...commonConfig,
  PORT: port('Port of the public HTTP server').default(services.gateway.port),
  HOST: host('Address the public HTTP server listens on').default('0.0.0.0'),
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
  GATEWAY_TRUSTED_PROXIES: cidrs('Proxies in front of the gateway whose X-Forwarded-For is believed').default([]),
});

export type GatewayConfig = ConfigOf<typeof gatewayConfig>;

/** Every origin that CORS admits. */
export function allowedOrigins(config: GatewayConfig): ReadonlySet<string> {
  const more = [config.VERCEL_FRONTEND_URL, config.NGROK_URL].filter((one) => one !== undefined);
  return new Set([...config.GATEWAY_CORS_ORIGINS, ...more]);
}
