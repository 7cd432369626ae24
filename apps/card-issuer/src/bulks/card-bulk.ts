import type { BulkAction, BulkSkipped, CardFilterDto } from '@puerta/contracts';
import { type Job, jobKind } from '@puerta/jobs';

/** What is to be done to which cards. */
export interface BulkInput {
  readonly action: BulkAction;
  /** Either this or the ids, which are in order and each there once. */
  readonly filter: CardFilterDto | null;
  readonly card_ids: readonly string[] | null;
  readonly valid_until: string | null;
  readonly reason: string | null;
  readonly dry_run: boolean;
  /** Cards that are issued later are not meant. */
  readonly as_of: string;
}

export interface BulkCounts {
  readonly changed: number;
  readonly skipped: BulkSkipped;
}

export interface BulkPosition extends BulkCounts {
  /** The id of the last card that was looked at. */
  readonly after: string;
  /** How many cards were meant at the beginning; others may have been changed since. */
  readonly total: number | null;
  readonly left: boolean;
}

export type CardBulkJob = Job<BulkInput, BulkPosition, BulkCounts>;

/** One command for many cards. */
export const CARD_BULK = jobKind<BulkInput, BulkPosition, BulkCounts>('cards.bulk', 2);

export const BEGINNING: BulkPosition = {
  after: '00000000-0000-0000-0000-000000000000',
  total: null,
  left: true,
  changed: 0,
  skipped: { card_not_found: 0, card_state_conflict: 0, unchanged: 0 },
};
