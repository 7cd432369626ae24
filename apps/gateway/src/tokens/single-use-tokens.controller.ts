import { Body, Controller, Delete, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { InitialAuth } from '@puerta/auth';
import {
  CreatedToken,
  CreateTokenDto,
  PresentTokenDto,
  TokenIdDto,
  tokenServiceContract,
  ValidToken,
} from '@puerta/contracts';
import type { ErrorCode } from '@puerta/contracts/core';
import { type CallOptions, InjectService, ServiceClient } from '@puerta/messaging';
import { Operation } from '../routes/operation';
import { Sender } from '../http/sender';

const REFUSALS: readonly ErrorCode[] = [
  'token_used',
  'token_expired',
  'token_unknown',
  'token_binding_mismatch',
  'too_many_attempts',
];

/** Only POST uses a token up: what fetches links before anybody asked for them sends GET or HEAD. */
@ApiTags('Single-use tokens')
@Controller('api/v1/token')
@InitialAuth()
export class SingleUseTokensController {
  constructor(
    @InjectService(tokenServiceContract) private readonly tokens: ServiceClient<typeof tokenServiceContract>,
  ) {}

  @Post('create')
  @Operation({
    summary: 'Makes a token that is good once',
    description: 'It belongs to the company that its maker acts in, or to the maker where there is none.',
    status: 201,
    answer: CreatedToken,
    problems: ['too_many_attempts'],
  })
  createSingleUseToken(@Body() token: CreateTokenDto, @Sender() sender: CallOptions): Promise<CreatedToken> {
    return this.tokens.request('single-use-tokens.issue', token, sender);
  }

  @Post('validate')
  @Operation({
    summary: 'Uses a token up, if it is good and for this purpose and subject',
    description: 'Asked again with the same Idempotency-Key it is the same use, and answered alike.',
    answer: ValidToken,
    problems: REFUSALS,
  })
  validateSingleUseToken(@Body() token: PresentTokenDto, @Sender() sender: CallOptions): Promise<ValidToken> {
    return this.tokens.request('single-use-tokens.redeem', token, sender);
  }

  @Post('peek')
  @Operation({
    summary: 'Tells what validating would answer, and leaves the token as it is',
    description: 'For a wrong code it counts as a guess.',
    ignoresKey: 'An Idempotency-Key means nothing here: nothing is changed.',
    answer: ValidToken,
    problems: REFUSALS,
  })
  peekSingleUseToken(@Body() token: PresentTokenDto, @Sender() sender: CallOptions): Promise<ValidToken> {
    return this.tokens.request('single-use-tokens.peek', token, sender);
  }

  @Delete(':token_id')
  @Operation({
    summary: 'Takes a token back',
    status: 204,
    ignoresKey: 'An Idempotency-Key means nothing here: what was taken back may be taken back again.',
    problems: ['token_unknown', 'token_used'],
  })
  async revokeSingleUseToken(@Param() token: TokenIdDto, @Sender() sender: CallOptions): Promise<void> {
    await this.tokens.request('single-use-tokens.revoke', token, sender);
  }
}
