import { SHORT_ID } from './ids';

/** Number printed on a card: two digits of the year it was issued in, and a serial that widens past 99999. */
export const CARD_NUMBER = /^\d{2}-(?:\d{5}|[1-9]\d{5,8})$/;

/** The code in a card's QR. */
export const CARD_CODE = SHORT_ID;

/** Most bytes of a photo that is sent to us. What a phone's camera makes is smaller. */
export const MAX_PHOTO_BYTES = 5 * 1_024 * 1_024;

export const CARD_STATUSES = ['active', 'suspended', 'revoked', 'expired'] as const;

export type CardStatus = (typeof CARD_STATUSES)[number];
