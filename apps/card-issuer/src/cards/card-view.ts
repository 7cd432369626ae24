import { Injectable } from '@nestjs/common';
import type { Card, CardStatus } from '@puerta/contracts';
import { InjectStorage, SIGNED_URL_SECONDS, type Storage } from '@puerta/storage';
import { CardCodes } from '../codes/card-codes';
import type { CardEntity } from './card.entity';

/** The status that people see: an active card whose time has passed is expired. */
export function statusOf({ status, validUntil }: CardEntity, now = new Date()): CardStatus {
  return status === 'active' && validUntil !== null && validUntil <= now ? 'expired' : status;
}

/** Makes of a card what its issuer and its holder see. */
@Injectable()
export class CardView {
  constructor(
    private readonly codes: CardCodes,
    @InjectStorage() private readonly storage: Storage,
  ) {}

  async of(card: CardEntity): Promise<Card> {
    return toCard(card, this.codes.scanUrl(card), await photoUrl(this.storage, card));
  }
}

/**
 * The address of a card's photo, for whoever may see it.
 *
 * @param expiresIn seconds
 */
export async function photoUrl(
  storage: Storage,
  { photoKey, number }: CardEntity,
  expiresIn = SIGNED_URL_SECONDS,
): Promise<string | null> {
  return photoKey && storage.signedUrl(photoKey, { expiresIn, fileName: `photo-${number}.jpg` });
}

function toCard(card: CardEntity, scan_url: string, photo_url: string | null): Card {
  return {
    card_id: card.id,
    number: card.number,
    status: statusOf(card),
    holder: { ...card.holder },
    scan_url,
    photo_url,
    issued_at: card.issuedAt.toISOString(),
    valid_until: card.validUntil?.toISOString() ?? null,
  };
}
