import { Controller } from '@nestjs/common';
import { IssueAccessTokenDto, type IssuedToken, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { AccessTokensService } from './access-tokens.service';

@Controller()
export class AccessTokensMessages {
  constructor(private readonly accessTokens: AccessTokensService) {}

  @Handles(tokenServiceContract, 'access-tokens.issue')
  async issue(dto: IssueAccessTokenDto): Promise<IssuedToken> {
    return this.accessTokens.issue(dto);
  }
}
