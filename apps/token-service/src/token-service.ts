import { tokenServiceContract } from '@puerta/contracts';
import { defineService } from '@puerta/service';
import { AppModule } from './app.module';
import { tokenServiceConfig } from './config';
import { SigningKeyEntity } from './keys/signing-key.entity';
import { SigningKeysService } from './keys/signing-keys.service';
import { migrations } from './migrations';
import { TokenRedis } from './single-use/token-redis';

/** The service: what it answers, reads and stores. It calls nobody but the activity trail, with tokens that were used twice. */
export const tokenService = defineService({
  contract: tokenServiceContract,
  config: tokenServiceConfig,
  // No inbox: what happens once happens in Redis.
  database: (config) => ({
    url: config.TOKEN_SERVICE_DATABASE_URL,
    schema: 'token_service',
    entities: [SigningKeyEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  }),
  checks: (app) => ({
    tokens: () => app.get(TokenRedis).isReachable(),
    keys: async () => app.get(SigningKeysService).isSound,
  }),
  module: (config) => AppModule.forRoot(config),
});
