import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@puerta/observability';
import { LOGGER } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { SecondUses } from './second-uses';
import { SingleUseTokensMessages } from './single-use-tokens.messages';
import { TokenIssuer } from './token-issuer';
import { TokenKeys } from './token-key';
import { TokenRedeemer } from './token-redeemer';
import { TokenRedis } from './token-redis';

/** Tokens that are good once. */
@Module({})
export class SingleUseModule {
  static forRoot(config: TokenServiceConfig): DynamicModule {
    const redis = (logger: Logger): TokenRedis =>
      new TokenRedis({ url: config.TOKEN_SERVICE_REDIS_URL, prefix: config.BUS_PREFIX, logger });
    return {
      module: SingleUseModule,
      controllers: [SingleUseTokensMessages],
      providers: [
        { provide: TokenKeys, useValue: new TokenKeys(config.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS) },
        { provide: TokenRedis, inject: [LOGGER], useFactory: redis },
        SecondUses,
        TokenIssuer,
        TokenRedeemer,
      ],
      exports: [TokenRedis],
    };
  }
}
