import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { StrictAuth } from '@puerta/auth';
import { BulkCardsDto, BulkIdDto, CardBulk, cardIssuerContract } from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Operation } from '../routes/operation';
import { Sender } from '../http/sender';

@ApiTags('ID cards')
@Controller('api/v1/cards/bulk')
@StrictAuth('issuer')
export class CardBulksController {
  constructor(@InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>) {}

  @Post()
  @Operation({
    summary: 'Renews, suspends or revokes many cards',
    description: 'Those that a filter finds, or those named. Answers at once; the job tells how far it is.',
    status: 202,
    answer: CardBulk,
    createdAt: '/api/v1/cards/bulk/{job_id}',
  })
  startCardBulk(@Body() command: BulkCardsDto, @Sender() sender: CallOptions): Promise<CardBulk> {
    return this.cards.request('card-bulks.start', command, sender);
  }

  @Get(':job_id')
  @Operation({ summary: 'How far such a job is, and what came of it', answer: CardBulk, problems: ['job_not_found'] })
  getCardBulk(@Param() job: BulkIdDto, @Sender() sender: CallOptions): Promise<CardBulk> {
    return this.cards.request('card-bulks.get', job, sender);
  }

  @Post(':job_id/cancel')
  @Operation({
    summary: 'Ends such a job; cards that it has changed stay changed',
    answer: CardBulk,
    problems: ['job_not_found'],
  })
  cancelCardBulk(@Param() job: BulkIdDto, @Sender() sender: CallOptions): Promise<CardBulk> {
    return this.cards.request('card-bulks.cancel', job, sender);
  }
}
