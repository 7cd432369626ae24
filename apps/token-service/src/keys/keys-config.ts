import { databaseConfig, defineConfig } from '@puerta/config';
import { tokenServiceConfig } from '../config';

const { NODE_ENV, TOKEN_SERVICE_KEY_ENCRYPTION_KEYS, TOKEN_SERVICE_KEY_ROTATION_DAYS } = tokenServiceConfig.shape;

/** As much of the service's configuration as its keys need. */
export const keysConfig = defineConfig(tokenServiceConfig.app, {
  NODE_ENV,
  ...databaseConfig('TOKEN_SERVICE'),
  TOKEN_SERVICE_KEY_ENCRYPTION_KEYS,
  TOKEN_SERVICE_KEY_ROTATION_DAYS,
});
