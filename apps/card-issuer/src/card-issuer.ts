import type { KeyObject } from 'node:crypto';
import { deriveKey, type Keyring } from '@puerta/config';
import { cardIssuerContract, identityContract, tokenServiceContract } from '@puerta/contracts';
import { defineService } from '@puerta/service';
import { AppModule } from './app.module';
import { CardEventEntity } from './cards/card-event.entity';
import { CardEntity } from './cards/card.entity';
import { cardIssuerConfig } from './config';
import { migrations } from './migrations';
import { OrphanFileEntity } from './photos/orphan-file.entity';
import { ScanEntity } from './scans/scan.entity';

/** The service: what it answers, reads, stores and asks. */
export const cardIssuer = defineService({
  contract: cardIssuerContract,
  config: cardIssuerConfig,
  database: (config) => ({
    url: config.CARD_ISSUER_DATABASE_URL,
    schema: 'card_issuer',
    entities: [CardEntity, CardEventEntity, ScanEntity, OrphanFileEntity],
    migrations,
    poolSize: config.DATABASE_POOL_SIZE,
    fingerprintKey: fingerprintKey(config.CARD_ISSUER_CODE_SECRETS),
  }),
  calls: [identityContract, tokenServiceContract],
  module: (config) => AppModule.forRoot(config),
});

/**
 * Keys the fingerprints of requests in the inbox. It is derived from the oldest secret, so that the day on which a new
 * one is put in front refuses nobody who asks again with the Idempotency-Key of the day before.
 */
function fingerprintKey(secrets: Keyring): KeyObject {
  const oldest = secrets.get(secrets.ids.at(-1) ?? secrets.current.id) ?? secrets.current.key;
  return deriveKey(oldest, 'puerta card-issuer fingerprints 1');
}
