import { type DynamicModule, Module } from '@nestjs/common';
import { Pruner } from '@puerta/database';
import { JobsModule } from '@puerta/jobs';
import { StorageModule } from '@puerta/storage';
import { CardBulkRunner } from './bulks/card-bulk.runner';
import { CardBulksMessages } from './bulks/card-bulks.messages';
import { CardBulksService } from './bulks/card-bulks.service';
import { CardAccess } from './cards/card-access';
import { CardStatesService } from './cards/card-states.service';
import { CardView } from './cards/card-view';
import { CardWriter } from './cards/card-writer';
import { CardsMessages } from './cards/cards.messages';
import { CardsService } from './cards/cards.service';
import { foldingPruner } from './cards/search-rules';
import { CardCodes } from './codes/card-codes';
import { CodeSecretsCheck } from './cards/code-secrets.check';
import type { CardIssuerConfig } from './config';
import { PhotosMessages } from './photos/photos.messages';
import { PhotosService } from './photos/photos.service';
import { OrphanFiles } from './photos/orphan-files';
import { PicturesMessages } from './pictures/pictures.messages';
import { ScansMessages } from './scans/scans.messages';
import { ScansService } from './scans/scans.service';

@Module({})
export class AppModule {
  static forRoot(config: CardIssuerConfig): DynamicModule {
    const { CARD_ISSUER_CODE_SECRETS, PUBLIC_URL } = config;
    return {
      module: AppModule,
      imports: [JobsModule, StorageModule.forRoot('card-issuer', config)],
      controllers: [CardBulksMessages, CardsMessages, PhotosMessages, PicturesMessages, ScansMessages],
      providers: [
        { provide: CardCodes, useValue: new CardCodes(CARD_ISSUER_CODE_SECRETS, PUBLIC_URL) },
        CardAccess,
        CardBulkRunner,
        CardBulksService,
        CardsService,
        CardStatesService,
        CardView,
        CardWriter,
        CodeSecretsCheck,
        foldingPruner,
        PhotosService,
        OrphanFiles,
        { provide: Pruner, inject: [OrphanFiles], useFactory: pruner },
        ScansService,
      ],
    };
  }
}

function pruner(orphans: OrphanFiles): Pruner {
  return new Pruner('orphan files', () => orphans.sweep());
}
