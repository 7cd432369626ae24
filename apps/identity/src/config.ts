import {
  commonConfig,
  type ConfigOf,
  databaseConfig,
  defineConfig,
  gatewayPostgresConfig,
  gatewayPostgresUrl,
  oneOf,
  seconds,
  secret,
  uuid,
} from '@puerta/config';

export const identityConfig = defineConfig('identity', {
  ...commonConfig,
  ...databaseConfig('IDENTITY', gatewayPostgresUrl),
  ...gatewayPostgresConfig,
  IDENTITY_SECRET: secret('Makes refresh tokens and invitations; with another one, lost answers cannot be given again'),
  IDENTITY_SESSION_SECONDS: seconds('How long a session lives, however often it is refreshed', {
    min: 60,
    max: 31_536_000,
  }).default(2_592_000),
  IDENTITY_COMPANY_CREATION: oneOf('Whether every user may create companies, or only the operator', [
    'open',
    'operator',
  ]).default('open'),
  GATEWAY_DEFAULT_COMPANY_ID: uuid('The company that users join who name none and have none; it must exist').optional(),
});

export type IdentityConfig = ConfigOf<typeof identityConfig>;
