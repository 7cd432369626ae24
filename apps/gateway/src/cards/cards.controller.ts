import { Body, Controller, Delete, Get, Header, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentActor, InitialAuth, StrictAuth } from '@puerta/auth';
import {
  type Actor,
  Card,
  CardIdDto,
  cardIssuerContract,
  CardPage,
  CardReasonDto,
  IssueCardDto,
  ListCardsDto,
  MAX_PHOTO_BYTES,
  QrQueryDto,
  QrSvgQueryDto,
  UpdateCardDto,
} from '@puerta/contracts';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { FILE_TYPES } from '@puerta/storage';
import { type ComingFile, SentFile } from '../http/file-body';
import { Operation } from '../routes/operation';
import { TakesFile } from '../routes/route-options';
import { Sender } from '../http/sender';
import { CardPhotos } from './card-photos';
import { bytesOf } from './picture';

@ApiTags('ID cards')
@Controller('api/v1/cards')
export class CardsController {
  constructor(
    @InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>,
    private readonly photos: CardPhotos,
  ) {}

  @Post()
  @StrictAuth('issuer')
  @Operation({
    summary: 'Issues a card',
    status: 201,
    answer: Card,
    createdAt: '/api/v1/cards/{card_id}',
    problems: ['card_number_taken'],
  })
  issueCard(@Body() card: IssueCardDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.issue', card, sender);
  }

  @Get()
  @StrictAuth('issuer')
  @Operation({ summary: 'The cards of the company, newest first', answer: CardPage })
  listCards(@Query() filter: ListCardsDto, @Sender() sender: CallOptions): Promise<CardPage> {
    return this.cards.request('cards.list', filter, sender);
  }

  @Get(':card_id')
  @InitialAuth()
  @Operation({ summary: 'One card, for its issuers and its holder', answer: Card, problems: ['card_not_found'] })
  getCard(@Param() card: CardIdDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.get', card, sender);
  }

  @Patch(':card_id')
  @StrictAuth('issuer')
  @Operation({
    summary: 'Changes holder or validity',
    description: 'What is absent stays; null clears it.',
    answer: Card,
    problems: ['card_not_found'],
  })
  updateCard(@Param() card: CardIdDto, @Body() changes: UpdateCardDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.update', { ...changes, ...card }, sender);
  }

  @Post(':card_id/suspend')
  @InitialAuth()
  @Operation({
    summary: 'Suspends an active card, by its issuers or its holder',
    answer: Card,
    problems: ['card_not_found', 'card_state_conflict'],
  })
  suspendCard(@Param() card: CardIdDto, @Body() why: CardReasonDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.suspend', { ...why, ...card }, sender);
  }

  @Post(':card_id/reactivate')
  @StrictAuth('issuer')
  @Operation({
    summary: 'Reactivates a suspended card',
    answer: Card,
    problems: ['card_not_found', 'card_state_conflict'],
  })
  reactivateCard(@Param() card: CardIdDto, @Body() why: CardReasonDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.reactivate', { ...why, ...card }, sender);
  }

  @Post(':card_id/revoke')
  @StrictAuth('issuer')
  @Operation({ summary: 'Revokes a card for good', answer: Card, problems: ['card_not_found', 'card_state_conflict'] })
  revokeCard(@Param() card: CardIdDto, @Body() why: CardReasonDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.revoke', { ...why, ...card }, sender);
  }

  @Post(':card_id/rotate')
  @StrictAuth('issuer')
  @Operation({
    summary: 'Gives a card a new code; the printed one dies',
    answer: Card,
    problems: ['card_not_found', 'card_state_conflict'],
  })
  rotateCard(@Param() card: CardIdDto, @Body() why: CardReasonDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.rotate', { ...why, ...card }, sender);
  }

  @Put(':card_id/photo')
  @StrictAuth('issuer')
  @TakesFile({ types: FILE_TYPES, limit: MAX_PHOTO_BYTES })
  @Operation({
    summary: 'Gives a card a photo, in place of the former one',
    description:
      'Takes at most 5 MiB. The photo is drawn anew, upright and at most 600 × 800; nothing else of the file is kept.',
    answer: Card,
    problems: ['card_not_found', 'bad_request'],
  })
  setCardPhoto(@Param() card: CardIdDto, @SentFile() file: ComingFile, @CurrentActor() actor: Actor): Promise<Card> {
    return this.photos.set(card, file, actor);
  }

  @Delete(':card_id/photo')
  @StrictAuth('issuer')
  @Operation({ summary: 'Takes the photo off a card', answer: Card, problems: ['card_not_found'] })
  removeCardPhoto(@Param() card: CardIdDto, @Sender() sender: CallOptions): Promise<Card> {
    return this.cards.request('cards.remove-photo', card, sender);
  }

  @Get(':card_id/qr.png')
  @InitialAuth()
  @Header('content-type', 'image/png')
  @Operation({ summary: 'The QR code as PNG', contentType: 'image/png', problems: ['card_not_found'] })
  async getCardQrPng(
    @Param() card: CardIdDto,
    @Query() look: QrQueryDto,
    @Sender() sender: CallOptions,
  ): Promise<Buffer> {
    return bytesOf(await this.cards.request('cards.qr', { ...look, ...card, format: 'png' }, sender));
  }

  @Get(':card_id/qr.svg')
  @InitialAuth()
  @Header('content-type', 'image/svg+xml')
  @Operation({ summary: 'The QR code as SVG', contentType: 'image/svg+xml', problems: ['card_not_found'] })
  async getCardQrSvg(
    @Param() card: CardIdDto,
    @Query() look: QrSvgQueryDto,
    @Sender() sender: CallOptions,
  ): Promise<Buffer> {
    return bytesOf(await this.cards.request('cards.qr', { ...look, ...card, format: 'svg' }, sender));
  }
}
