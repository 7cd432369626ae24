import { Controller } from '@nestjs/common';
import { type IssuedToken, IssueScanPassDto, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { ScanPassesService } from './scan-passes.service';

@Controller()
export class ScanPassesMessages {
  constructor(private readonly scanPasses: ScanPassesService) {}

  @Handles(tokenServiceContract, 'scan-passes.issue')
  async issue(dto: IssueScanPassDto): Promise<IssuedToken> {
    return this.scanPasses.issue(dto);
  }
}
