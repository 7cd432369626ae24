import { Controller } from '@nestjs/common';
import {
  type Actor,
  type CreatedToken,
  CreateTokenDto,
  PresentTokenDto,
  type RevokedToken,
  TokenIdDto,
  tokenServiceContract,
  type ValidToken,
} from '@puerta/contracts';
import { type BusContext, Handles } from '@puerta/messaging';
import { TokenIssuer } from './token-issuer';
import { TokenRedeemer } from './token-redeemer';

@Controller()
export class SingleUseTokensMessages {
  constructor(
    private readonly issuer: TokenIssuer,
    private readonly tokens: TokenRedeemer,
  ) {}

  @Handles(tokenServiceContract, 'single-use-tokens.issue')
  issue(dto: CreateTokenDto, context: BusContext<Actor>): Promise<CreatedToken> {
    return this.issuer.issue(context, dto);
  }

  @Handles(tokenServiceContract, 'single-use-tokens.redeem')
  redeem(dto: PresentTokenDto, context: BusContext<Actor>): Promise<ValidToken> {
    return this.tokens.redeem(context, dto);
  }

  @Handles(tokenServiceContract, 'single-use-tokens.peek')
  peek(dto: PresentTokenDto, context: BusContext<Actor>): Promise<ValidToken> {
    return this.tokens.peek(context, dto);
  }

  @Handles(tokenServiceContract, 'single-use-tokens.revoke')
  async revoke({ token_id }: TokenIdDto, context: BusContext<Actor>): Promise<RevokedToken> {
    await this.tokens.revoke(context, token_id);
    return { revoked: true };
  }
}
