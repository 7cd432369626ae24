import {
  type JsonValue,
  MAX_CODE_SECONDS,
  MAX_PAYLOAD_BYTES,
  MAX_TOKEN_SECONDS,
  SINGLE_USE_FORMATS,
  SINGLE_USE_TOKEN_ID,
  type SingleUseFormat,
} from '../core';
import { ApiProperty, SchemaName } from '../documentation';
import { ANY_JSON, Choice, Int, Json, Presented, Text } from '../validation';

/** In examples. */
const TOKEN_ID = 'q3Zt5Xw7Yb9Cd1Ef3Gh5Ig';
const TOKEN = `${TOKEN_ID}Kl7Mn9Pq1Rs3Tu5Vw7Xy9Za1Bc3De5Fg7Hi9Jk1Lm3No5Pq7`;

/** What a token is for, and for whom. What it is bound to must be said again when it is used; absent is a value, too. */
export class TokenBindingDto {
  @Text({ max: 64, optional: true, example: 'door-opening', description: 'What it is for' })
  purpose?: string | null;

  @Text({ max: 255, optional: true, example: 'ana@example.com', description: 'Whom or what it is about' })
  subject?: string | null;
}

@SchemaName('NewSingleUseToken')
export class CreateTokenDto extends TokenBindingDto {
  @Int({
    min: 1,
    max: MAX_TOKEN_SECONDS,
    optional: true,
    description: `How long it lives; 10 unless told or configured otherwise. A code lives at most ${MAX_CODE_SECONDS}`,
    example: 60,
  })
  ttl_seconds?: number | null;

  @Json({
    maxBytes: MAX_PAYLOAD_BYTES,
    optional: true,
    description: 'Given to whoever uses it: any JSON of at most 4 KiB',
    example: { door: 'north' },
  })
  payload?: JsonValue;

  @Choice(SINGLE_USE_FORMATS, {
    optional: true,
    description: '`opaque` unless told; `code` is for typing, and needs `purpose` and `subject`',
  })
  format?: SingleUseFormat | null;
}

@SchemaName('PresentedToken')
export class PresentTokenDto extends TokenBindingDto {
  @Presented({ max: 128, description: 'The token or code, exactly as it was made', example: TOKEN })
  token: string;
}

export class TokenIdDto {
  @Presented({ max: 22, pattern: SINGLE_USE_TOKEN_ID, format: 'token_id', example: TOKEN_ID })
  token_id: string;
}

export class CreatedToken {
  @ApiProperty({ description: 'Shown once', example: TOKEN })
  token: string;

  @ApiProperty({ description: 'Names it without being good for anything but revoking it', example: TOKEN_ID })
  token_id: string;

  @ApiProperty({ type: 'integer', description: 'Seconds it lives', example: 60 })
  expires_in: number;

  @ApiProperty({ format: 'date-time' })
  expires_at: string;
}

export class ValidToken {
  @ApiProperty({ enum: [true] })
  valid: true;

  @ApiProperty({ example: TOKEN_ID })
  token_id: string;

  @ApiProperty({ type: String, nullable: true, example: 'door-opening' })
  purpose: string | null;

  @ApiProperty({ ...ANY_JSON, example: { door: 'north' } } as typeof ANY_JSON)
  payload: JsonValue;

  @ApiProperty({
    description: 'The user, or the service, that made it',
    example: '01993c1e-7d52-7c3a-9b1f-f89d6b696045',
  })
  created_by: string;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

export interface RevokedToken {
  readonly revoked: true;
}
