import type { CardEventKind } from './card-event.entity';
import type { KeptStatus } from './card.entity';

/** From which states a card gets into which, and how its history calls it. */
export interface Transition {
  readonly from: readonly KeptStatus[];
  readonly to: KeptStatus;
  readonly kind: CardEventKind;
}

export const SUSPEND: Transition = { from: ['active'], to: 'suspended', kind: 'suspended' };
export const REACTIVATE: Transition = { from: ['suspended'], to: 'active', kind: 'reactivated' };
/** Final: nothing leads out of it. */
export const REVOKE: Transition = { from: ['active', 'suspended'], to: 'revoked', kind: 'revoked' };
