import { Controller } from '@nestjs/common';
import {
  IssueAccessTokenDto,
  IssueAssertionDto,
  IssueScanPassDto,
  type IssuedToken,
  tokenServiceContract,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { InjectConfig } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { TokenSigner } from './token-signer';

/** So short that a service behind the gateway need not ask whether the user is still a member. */
const ASSERTION_SECONDS = 30;

@Controller()
export class SigningMessages {
  constructor(
    private readonly signer: TokenSigner,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /** An access token (RFC 9068 for its `typ`). Without a company it has no `company_id`. */
  @Handles(tokenServiceContract, 'access-tokens.issue')
  async accessToken({ user_id, email, company_id, roles, session_id }: IssueAccessTokenDto): Promise<IssuedToken> {
    const claims = { sub: user_id, email, ...(company_id ? { company_id } : {}), roles, sid: session_id };
    return this.signer.sign('access', claims, this.config.TOKEN_SERVICE_ACCESS_TOKEN_SECONDS);
  }

  /** A pass to see the card of one scan. It travels in an address, so it says nothing about anybody. */
  @Handles(tokenServiceContract, 'scan-passes.issue')
  async scanPass({ scan_id }: IssueScanPassDto): Promise<IssuedToken> {
    return this.signer.sign('scan', { sub: scan_id }, this.config.TOKEN_SERVICE_SCAN_PASS_SECONDS);
  }

  /** Who asks, for one service behind the gateway. Without a company it has no `company_id`. */
  @Handles(tokenServiceContract, 'assertions.issue')
  async assertion({ audience, user_id, email, company_id, roles }: IssueAssertionDto): Promise<IssuedToken> {
    const claims = { sub: user_id, email, ...(company_id ? { company_id } : {}), roles };
    return this.signer.sign('assertion', claims, ASSERTION_SECONDS, audience);
  }
}
