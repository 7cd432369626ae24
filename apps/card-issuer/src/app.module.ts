import { type DynamicModule, Module } from '@nestjs/common';
import { JobsModule } from '@puerta/jobs';
import { CardBulkRunner } from './bulks/card-bulk.runner';
import { CardBulksMessages } from './bulks/card-bulks.messages';
import { CardBulksService } from './bulks/card-bulks.service';
import { CardStatesService } from './cards/card-states.service';
import { CardWriter } from './cards/card-writer';
import { CardsMessages } from './cards/cards.messages';
import { CardsService } from './cards/cards.service';
import { CardCodes } from './codes/card-codes';
import { CodeSecretsCheck } from './codes/code-secrets.check';
import type { CardIssuerConfig } from './config';
import { PicturesMessages } from './pictures/pictures.messages';
import { ScansMessages } from './scans/scans.messages';
import { ScansService } from './scans/scans.service';

@Module({})
export class AppModule {
  static forRoot({ CARD_ISSUER_CODE_SECRETS, PUBLIC_URL }: CardIssuerConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [JobsModule],
      controllers: [CardBulksMessages, CardsMessages, PicturesMessages, ScansMessages],
      providers: [
        { provide: CardCodes, useValue: new CardCodes(CARD_ISSUER_CODE_SECRETS, PUBLIC_URL) },
        CardBulkRunner,
        CardBulksService,
        CardsService,
        CardStatesService,
        CardWriter,
        CodeSecretsCheck,
        ScansService,
      ],
    };
  }
}
