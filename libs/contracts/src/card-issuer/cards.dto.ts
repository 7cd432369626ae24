import { CARD_NUMBER, CARD_STATUSES, type CardStatus, MOST_VALID_YEARS } from '../core';
import { ApiProperty, SchemaName } from '../documentation';
import {
  changesOf,
  Choice,
  Email,
  Id,
  Int,
  Nested,
  pageOf,
  PageQueryDto,
  Presented,
  QueryInt,
  Text,
  Timestamp,
} from '../validation';

@SchemaName('NewHolder')
export class HolderDto {
  @Text({ max: 120, example: 'Luis Rojas' })
  name: string;

  @Email({ optional: true, example: 'luis@example.com' })
  email?: string | null;

  @Text({ max: 40, optional: true, description: 'Of the identity document', example: 'V-12345678' })
  document_id?: string | null;

  @Text({ max: 80, optional: true, example: 'Estudiante' })
  title?: string | null;

  @Text({ max: 120, optional: true, example: 'Ingeniería' })
  unit?: string | null;

  @Id({
    optional: true,
    description: 'The user who holds the card, if any: an active member of the company, who may see and suspend it',
  })
  user_id?: string | null;
}

/** Changes to a holder: what is absent stays, null clears. */
export class HolderChangesDto extends changesOf(HolderDto) {}

const numberField = { max: 12, pattern: CARD_NUMBER, format: 'YY-NNNNN', optional: true } as const;

const VALIDITY = `Ahead, by ${MOST_VALID_YEARS} years at most; null for no end`;

/** In examples: long after this is written, since a card cannot be made for a time that is over. */
const VALID_UNTIL = '2040-07-31T23:59:59.000Z';

@SchemaName('NewCard')
export class IssueCardDto {
  @Nested(() => HolderDto)
  holder: HolderDto;

  @Timestamp({ optional: true, description: VALIDITY, example: VALID_UNTIL })
  valid_until?: string | null;

  @Text({ ...numberField, description: 'The next free one unless told' })
  number?: string | null;
}

@SchemaName('CardChanges')
export class UpdateCardDto {
  @Nested(() => HolderChangesDto, { optional: true })
  holder?: HolderChangesDto | null;

  @Timestamp({ optional: true, description: VALIDITY, example: VALID_UNTIL })
  valid_until?: string | null;
}

export class UpdateCardCommand extends UpdateCardDto {
  @Id()
  card_id: string;
}

export class CardIdDto {
  @Id()
  card_id: string;
}

@SchemaName('Reason')
export class CardReasonDto {
  @Text({ max: 200, optional: true, example: 'The holder has lost it' })
  reason?: string | null;
}

export class CardReasonCommand extends CardReasonDto {
  @Id()
  card_id: string;
}

export class SetCardPhotoCommand extends CardIdDto {
  @Text({ max: 120, description: 'Key of the file that was sent' })
  upload: string;
}

export class ListCardsDto extends PageQueryDto {
  @Text({
    max: 120,
    optional: true,
    description: 'Each word must begin a word of the name, or the number, e-mail or document, however it is typed',
  })
  q?: string;

  @Choice(CARD_STATUSES, { optional: true })
  status?: CardStatus;

  @Text({ max: 120, optional: true })
  unit?: string;
}

export const MOST_QR_PIXELS = 2_048;

export class QrQueryDto {
  @QueryInt({
    min: 128,
    max: MOST_QR_PIXELS,
    optional: true,
    description: 'Width in pixels, exactly; 512 unless told. 422 where a module of the code would have less than one',
  })
  size?: number;
}

export class QrSvgQueryDto {
  @QueryInt({
    min: 15,
    max: 500,
    optional: true,
    description: 'Width in millimetres when it is printed; 30 unless told',
  })
  size_mm?: number;
}

export class CardQrCommand extends QrQueryDto {
  @Id()
  card_id: string;

  @QueryInt({ min: 15, max: 500, optional: true })
  size_mm?: number;

  @Choice(['png', 'svg'])
  format: 'png' | 'svg';
}

export class OpenScanDto {
  /** Any text: what cannot be a code is answered like an unknown one. */
  @Presented({ max: 128 })
  code: string;
}

export class ScanProfileDto {
  @Id()
  scan_id: string;

  @Int({ min: 1, max: Number.MAX_SAFE_INTEGER, description: 'When the scan pass ends, in seconds since 1970' })
  pass_expires_at: number;
}

export class Holder {
  @ApiProperty({ example: 'Luis Rojas' })
  name: string;

  @ApiProperty({ type: String, format: 'email', nullable: true, example: 'luis@example.com' })
  email: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'V-12345678' })
  document_id: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Estudiante' })
  title: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Ingeniería' })
  unit: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, example: null })
  user_id: string | null;
}

export class Card {
  @ApiProperty({ format: 'uuid' })
  card_id: string;

  @ApiProperty({ example: '26-10001' })
  number: string;

  @ApiProperty({ enum: CARD_STATUSES })
  status: CardStatus;

  @ApiProperty({ type: Holder })
  holder: Holder;

  @ApiProperty({
    format: 'uri',
    description: 'What the QR says. Whoever has it can open the profile.',
    example: 'https://puerta.example.com/scan/Xq3Zt5Yw7Cb9Ed1Gf3Ih5A',
  })
  scan_url: string;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'Gives the photo, as JPEG, for two minutes',
    example: null,
  })
  photo_url: string | null;

  @ApiProperty({ format: 'date-time' })
  issued_at: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: VALID_UNTIL })
  valid_until: string | null;
}

export class CardPage extends pageOf(Card) {}

export interface CardPicture {
  readonly content_type: 'image/png' | 'image/svg+xml';
  /** base64 */
  readonly data: string;
}

/** What a person who scanned a card may see, for as long as the scan pass lives. */
export class ScanProfile {
  @ApiProperty({ example: 'Luis Rojas' })
  name: string;

  @ApiProperty({ example: '26-10001' })
  number: string;

  @ApiProperty({ example: 'Universidad Demo' })
  company: string;

  @ApiProperty({ type: String, nullable: true, example: 'Estudiante' })
  title: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'Ingeniería' })
  unit: string | null;

  @ApiProperty({ enum: CARD_STATUSES })
  status: CardStatus;

  @ApiProperty({
    type: String,
    format: 'uri',
    nullable: true,
    description: 'Gives the photo, as JPEG, for as long as the pass lives',
    example: null,
  })
  photo_url: string | null;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: VALID_UNTIL })
  valid_until: string | null;
}

export interface OpenedScan {
  readonly scan_pass: string;
  /** Seconds it lives. */
  readonly expires_in: number;
}
