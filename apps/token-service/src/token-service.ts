import { tokenServiceContract } from '@puerta/contracts';
import { defineService } from '@puerta/service';
import { AppModule } from './app.module';
import { tokenServiceConfig } from './config';
import { SigningKeyEntity } from './keys/signing-key.entity';
import { migrations } from './migrations';

/** The service: what it answers, reads and stores. It asks nobody. */
export const tokenService = defineService({
  contract: tokenServiceContract,
  config: tokenServiceConfig,
  // No inbox: issuing a token changes nothing in the database.
  database: (config) => ({
    url: config.TOKEN_SERVICE_DATABASE_URL,
    schema: 'token_service',
    entities: [SigningKeyEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
  }),
  module: (config) => AppModule.forRoot(config),
});
