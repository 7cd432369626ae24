import { ApiProperty } from '@nestjs/swagger';
import type { ErrorCode } from '@puerta/contracts/core';
import { ERRORS, FIELD_ERRORS } from '../problems/catalogue';

export class ProblemFieldSchema {
  @ApiProperty({ description: 'Dotted path: `holder.name`; empty for the body as a whole' })
  field: string;

  @ApiProperty({ enum: Object.keys(FIELD_ERRORS) })
  code: string;

  @ApiProperty({ description: 'For people, in their language' })
  message: string;
}

/** RFC 9457, as the documentation shows it. */
export class ProblemSchema {
  @ApiProperty({ format: 'uri', description: 'Leads to the explanation of the code' })
  type: string;

  @ApiProperty({ description: 'For people, in English or Spanish by Accept-Language' })
  title: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599 })
  status: number;

  @ApiProperty({ description: 'What is particular about this one' })
  detail: string;

  @ApiProperty({ description: 'Path of the request' })
  instance: string;

  @ApiProperty({ enum: Object.keys(ERRORS), description: 'For programs' })
  code: ErrorCode;

  @ApiProperty({ description: 'As in the header X-Request-ID' })
  request_id: string;

  @ApiProperty({
    type: [ProblemFieldSchema],
    required: false,
    description: 'The refused fields of `validation_failed`',
  })
  errors?: ProblemFieldSchema[];

  @ApiProperty({ format: 'date-time', required: false, description: 'With `token_used`: when that was' })
  used_at?: string;
}
