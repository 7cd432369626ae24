import {
  accessTokenConfig,
  commonConfig,
  type ConfigOf,
  databaseConfig,
  defineConfig,
  integer,
  keyring,
  publicUrl,
  redisUrl,
  seconds,
} from '@puerta/config';

/** The variables of the token-service. */
export const tokenServiceConfig = defineConfig('token-service', {
  ...commonConfig,
  ...databaseConfig('TOKEN_SERVICE'),
  TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keyring(
    'Encrypt the signing keys at rest; one stays while anything is encrypted with it',
  ),
  TOKEN_SERVICE_KEY_ROTATION_DAYS: integer('How long a key signs before the next one does', {
    min: 1,
    max: 3_650,
  }).default(30),
  ...accessTokenConfig,
  TOKEN_SERVICE_ACCESS_TOKEN_SECONDS: seconds('How long an access token lives', { min: 10, max: 86_400 }).default(900),
  TOKEN_SERVICE_SCAN_PASS_SECONDS: seconds('How long a scanned card is shown', { min: 1, max: 3_600 }).default(120),
  TOKEN_SERVICE_REDIS_URL: redisUrl('A Redis of its own for the single-use tokens').meta({ sources: ['REDIS_URL'] }),
  TOKEN_SERVICE_ONETIME_EXPIRE_SECONDS: seconds('How long a single-use token lives unless its maker says', {
    min: 1,
    max: 86_400,
  }).default(10),
  TOKEN_SERVICE_USED_RETENTION_SECONDS: seconds('How long a token is known to be used after it would have expired', {
    min: 60,
    max: 604_800,
  }).default(3_600),
  TOKEN_SERVICE_CODE_DIGITS: integer('Digits of a single-use code', { min: 6, max: 10 }).default(6),
  PUBLIC_URL: publicUrl('Where people reach the gateway; the issuer of the tokens'),
});

export type TokenServiceConfig = ConfigOf<typeof tokenServiceConfig>;
