import { Controller } from '@nestjs/common';
import { type Actor, cardIssuerContract, type CardPicture, CardQrCommand } from '@puerta/contracts';
import { BusContext, Handles } from '@puerta/messaging';
import { callOf } from '../cards/card-access';
import { CardsService } from '../cards/cards.service';
import { qrPng, qrSvg } from './qr-picture';

@Controller()
export class PicturesMessages {
  constructor(private readonly cards: CardsService) {}

  @Handles(cardIssuerContract, 'cards.qr')
  async qr({ card_id, format, size }: CardQrCommand, context: BusContext<Actor>): Promise<CardPicture> {
    const { scan_url } = await this.cards.get(card_id, callOf(context).actor);
    if (format === 'svg') return picture('image/svg+xml', Buffer.from(await qrSvg(scan_url)));
    return picture('image/png', await qrPng(scan_url, size ?? undefined));
  }
}

function picture(content_type: CardPicture['content_type'], bytes: Buffer): CardPicture {
  return { content_type, data: bytes.toString('base64') };
}
