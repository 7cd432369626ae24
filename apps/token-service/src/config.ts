import {
  accessTokenConfig,
  commonConfig,
  type ConfigOf,
  databaseConfig,
  defineConfig,
  integer,
  keyring,
  publicUrl,
  seconds,
} from '@puerta/config';

/** The variables of the token-service. */
export const tokenServiceConfig = defineConfig('token-service', {
  ...commonConfig,
  ...databaseConfig('TOKEN_SERVICE'),
  TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keyring('Encrypt the signing keys at rest; one stays while anything is encrypted with it'),
  TOKEN_SERVICE_KEY_ROTATION_DAYS: integer('How long a key signs before the next one does', { min: 1, max: 3_650 }).default(30),
  ...accessTokenConfig,
  TOKEN_SERVICE_ACCESS_TOKEN_SECONDS: seconds('How long an access token lives', { min: 10, max: 86_400 }).default(900),
  TOKEN_SERVICE_SCAN_PASS_SECONDS: seconds('How long a scanned card is shown', { min: 1, max: 3_600 }).default(120),
  PUBLIC_URL: publicUrl('Where people reach the gateway; the issuer of the tokens'),
});

export type TokenServiceConfig = ConfigOf<typeof tokenServiceConfig>;
