import { type DynamicModule, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import type { TokenServiceConfig } from './config';
import { KeyCipher } from './keys/key-cipher';
import { KeyRotation } from './keys/key-rotation';
import { KeysMessages } from './keys/keys.messages';
import { SigningKeysService } from './keys/signing-keys.service';
import { SingleUseModule } from './single-use/single-use.module';
import { SigningMessages } from './signing/signing.messages';
import { TokenSigner } from './signing/token-signer';
import { TicketsMessages } from './tickets/tickets.messages';
import { TicketsService } from './tickets/tickets.service';

@Module({})
export class AppModule {
  static forRoot(config: TokenServiceConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [JwtModule.register({}), SingleUseModule.forRoot(config)],
      controllers: [KeysMessages, SigningMessages, TicketsMessages],
      providers: [
        { provide: KeyCipher, useValue: new KeyCipher(config.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS) },
        KeyRotation,
        SigningKeysService,
        TicketsService,
        TokenSigner,
      ],
    };
  }
}
