import { Controller } from '@nestjs/common';
import { IssueAccessTokenDto, type IssuedToken, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { InjectConfig } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { TokenSigner } from '../signing/token-signer';

@Controller()
export class AccessTokensMessages {
  constructor(
    private readonly signer: TokenSigner,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /** An access token (RFC 9068 for its `typ`). Without a company it has no `company_id`. */
  @Handles(tokenServiceContract, 'access-tokens.issue')
  async issue({ user_id, email, company_id, roles, session_id }: IssueAccessTokenDto): Promise<IssuedToken> {
    const claims = { sub: user_id, email, ...(company_id ? { company_id } : {}), roles, sid: session_id };
    return this.signer.sign('access', claims, this.config.TOKEN_SERVICE_ACCESS_TOKEN_SECONDS);
  }
}
