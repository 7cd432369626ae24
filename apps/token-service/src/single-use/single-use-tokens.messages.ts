import { Controller } from '@nestjs/common';
import {
  type CreatedToken,
  CreateTokenDto,
  PresentTokenDto,
  type RevokedToken,
  TokenIdDto,
  tokenServiceContract,
  type ValidToken,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { TokenIssuer } from './token-issuer';
import { TokenRedeemer } from './token-redeemer';

@Controller()
export class SingleUseTokensMessages {
  constructor(
    private readonly issuer: TokenIssuer,
    private readonly tokens: TokenRedeemer,
  ) {}

  @Handles(tokenServiceContract, 'single-use-tokens.issue')
  issue(dto: CreateTokenDto, call: Call): Promise<CreatedToken> {
    return this.issuer.issue(dto, call);
  }

  @Handles(tokenServiceContract, 'single-use-tokens.redeem')
  redeem(dto: PresentTokenDto, call: Call): Promise<ValidToken> {
    return this.tokens.present(dto, call, 'redeem');
  }

  @Handles(tokenServiceContract, 'single-use-tokens.peek')
  peek(dto: PresentTokenDto, call: Call): Promise<ValidToken> {
    return this.tokens.present(dto, call, 'peek');
  }

  @Handles(tokenServiceContract, 'single-use-tokens.revoke')
  async revoke({ token_id }: TokenIdDto, call: Call): Promise<RevokedToken> {
    await this.tokens.revoke(token_id, call);
    return { revoked: true };
  }
}
