import type { Card, CardStatus } from '@puerta/contracts';
import type { CardCodes } from '../codes/card-codes';
import type { CardEntity } from './card.entity';

/** The status that people see: an active card whose time has passed is expired. */
export function statusOf({ status, validUntil }: CardEntity, now = new Date()): CardStatus {
  return status === 'active' && validUntil !== null && validUntil <= now ? 'expired' : status;
}

/** A card as its issuer and its holder see it. */
export function toCard(card: CardEntity, codes: CardCodes): Card {
  return {
    card_id: card.id,
    number: card.number,
    status: statusOf(card),
    holder: {
      name: card.holderName,
      email: card.holderEmail,
      document_id: card.holderDocumentId,
      title: card.holderTitle,
      unit: card.holderUnit,
      user_id: card.holderUserId,
    },
    scan_url: codes.scanUrl(card),
    issued_at: card.issuedAt.toISOString(),
    valid_until: card.validUntil?.toISOString() ?? null,
  };
}
