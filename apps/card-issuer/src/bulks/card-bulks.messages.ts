import { Controller } from '@nestjs/common';
import { type Actor, BulkCardsDto, BulkIdDto, type CardBulk, cardIssuerContract } from '@puerta/contracts';
import { BusContext, Handles } from '@puerta/messaging';
import { callOf } from '../cards/card-access';
import { CardBulksService } from './card-bulks.service';

@Controller()
export class CardBulksMessages {
  constructor(private readonly bulks: CardBulksService) {}

  @Handles(cardIssuerContract, 'card-bulks.start')
  async start(dto: BulkCardsDto, context: BusContext<Actor>): Promise<CardBulk> {
    return this.bulks.start(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'card-bulks.get')
  async get(dto: BulkIdDto, context: BusContext<Actor>): Promise<CardBulk> {
    return this.bulks.get(dto.job_id, callOf(context).actor);
  }

  @Handles(cardIssuerContract, 'card-bulks.cancel')
  async cancel(dto: BulkIdDto, context: BusContext<Actor>): Promise<CardBulk> {
    return this.bulks.cancel(dto.job_id, callOf(context));
  }
}
