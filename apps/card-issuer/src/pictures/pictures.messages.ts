import { Controller } from '@nestjs/common';
import { cardIssuerContract, type CardPicture, CardQrCommand } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { CardsService } from '../cards/cards.service';
import { qrPng, qrSvg } from './qr-picture';

@Controller()
export class PicturesMessages {
  constructor(private readonly cards: CardsService) {}

  @Handles(cardIssuerContract, 'cards.qr')
  async qr({ card_id, format, size, size_mm }: CardQrCommand, call: Call): Promise<CardPicture> {
    const { scan_url } = await this.cards.get({ card_id }, call);
    if (format === 'svg') return picture('image/svg+xml', Buffer.from(await qrSvg(scan_url, size_mm ?? undefined)));
    return picture('image/png', qrPng(scan_url, size ?? undefined));
  }
}

function picture(content_type: CardPicture['content_type'], bytes: Buffer): CardPicture {
  return { content_type, data: bytes.toString('base64') };
}
