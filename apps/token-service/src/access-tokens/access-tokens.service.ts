import { Injectable } from '@nestjs/common';
import type { IssueAccessTokenDto, IssuedToken } from '@puerta/contracts';
import { InjectConfig } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { TokenSigner } from '../signing/token-signer';

@Injectable()
export class AccessTokensService {
  constructor(
    private readonly signer: TokenSigner,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /** An access token (RFC 9068 for its `typ`). Without a company it has no `company_id`. */
  issue({ user_id, email, company_id, roles, session_id }: IssueAccessTokenDto): Promise<IssuedToken> {
    const claims = { sub: user_id, email, ...(company_id ? { company_id } : {}), roles, sid: session_id };
    return this.signer.sign('access', claims, this.config.TOKEN_SERVICE_ACCESS_TOKEN_SECONDS);
  }
}
