import { CARD_STATUSES, type CardStatus, type ErrorCode, MOST_VALID_YEARS } from '../core';
import { ApiProperty, SchemaName } from '../documentation';
import { Choice, Flag, Id, Ids, Nested, Text, Timestamp } from '../validation';

export const BULK_ACTIONS = ['renew', 'suspend', 'revoke'] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

export const BULK_STATUSES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type BulkStatus = (typeof BULK_STATUSES)[number];

/** Which cards, as in the list of them. */
export class CardFilterDto {
  @Text({ max: 120, optional: true, description: 'As in the list of cards' })
  q?: string | null;

  @Choice(CARD_STATUSES, { optional: true })
  status?: CardStatus | null;

  @Text({ max: 120, optional: true, example: 'Ingeniería' })
  unit?: string | null;
}

@SchemaName('CardBulkCommand')
export class BulkCardsDto {
  @Choice(BULK_ACTIONS)
  action: BulkAction;

  @Nested(() => CardFilterDto, { optional: true })
  filter?: CardFilterDto | null;

  @Ids({ max: 1_000, optional: true, description: 'Instead of a filter' })
  card_ids?: string[] | null;

  @Timestamp({
    optional: true,
    description: `Until when cards are renewed: ahead, by ${MOST_VALID_YEARS} years at most; with \`renew\` alone`,
    example: '2040-07-31T23:59:59.000Z',
  })
  valid_until?: string | null;

  @Text({ max: 200, optional: true, example: 'New term' })
  reason?: string | null;

  @Flag({ optional: true, description: 'Counts what would be done and changes nothing' })
  dry_run?: boolean | null;
}

export class BulkIdDto {
  @Id()
  job_id: string;
}

/** Cards that were left as they are, by what the same command for one card would have answered. */
export class BulkSkipped {
  @ApiProperty({ type: 'integer', minimum: 0, description: 'Named, but not there' })
  card_not_found: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Their state does not allow it', example: 3 })
  card_state_conflict: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'They are valid until then already' })
  unchanged: number;
}

export class CardBulk {
  @ApiProperty({ format: 'uuid' })
  job_id: string;

  @ApiProperty({ enum: BULK_ACTIONS })
  action: BulkAction;

  @ApiProperty()
  dry_run: boolean;

  @ApiProperty({ enum: BULK_STATUSES, example: 'running' })
  status: BulkStatus;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Cards looked at so far', example: 300 })
  done: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    nullable: true,
    description: 'Cards to look at; null before the first',
    example: 812,
  })
  total: number | null;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'Cards changed so far; with `dry_run`, those that would be',
    example: 297,
  })
  changed: number;

  @ApiProperty({ type: BulkSkipped })
  skipped: BulkSkipped;

  @ApiProperty({ type: String, nullable: true, description: 'A code of our errors, if it failed' })
  error: ErrorCode | null;

  @ApiProperty({ format: 'date-time' })
  created_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  started_at: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  finished_at: string | null;
}
