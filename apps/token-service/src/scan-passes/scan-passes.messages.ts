import { Controller } from '@nestjs/common';
import { type IssuedToken, IssueScanPassDto, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { InjectConfig } from '@puerta/service';
import type { TokenServiceConfig } from '../config';
import { TokenSigner } from '../signing/token-signer';

@Controller()
export class ScanPassesMessages {
  constructor(
    private readonly signer: TokenSigner,
    @InjectConfig() private readonly config: TokenServiceConfig,
  ) {}

  /** A pass to see the card of one scan. It travels in an address, so it says nothing about anybody. */
  @Handles(tokenServiceContract, 'scan-passes.issue')
  async issue({ scan_id }: IssueScanPassDto): Promise<IssuedToken> {
    return this.signer.sign('scan', { sub: scan_id }, this.config.TOKEN_SERVICE_SCAN_PASS_SECONDS);
  }
}
