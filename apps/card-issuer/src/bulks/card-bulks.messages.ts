import { Controller } from '@nestjs/common';
import { BulkCardsDto, BulkIdDto, type CardBulk, cardIssuerContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { CardBulksService } from './card-bulks.service';

@Controller()
export class CardBulksMessages {
  constructor(private readonly bulks: CardBulksService) {}

  @Handles(cardIssuerContract, 'card-bulks.start')
  async start(dto: BulkCardsDto, call: Call): Promise<CardBulk> {
    return this.bulks.start(dto, call);
  }

  @Handles(cardIssuerContract, 'card-bulks.get')
  async get(dto: BulkIdDto, call: Call): Promise<CardBulk> {
    return this.bulks.get(dto, call);
  }

  @Handles(cardIssuerContract, 'card-bulks.cancel')
  async cancel(dto: BulkIdDto, call: Call): Promise<CardBulk> {
    return this.bulks.cancel(dto, call);
  }
}
