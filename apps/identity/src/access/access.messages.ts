import { Controller } from '@nestjs/common';
import { type AccessFacts, CheckAccessDto, identityContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { AccessService } from './access.service';

@Controller()
export class AccessMessages {
  constructor(private readonly access: AccessService) {}

  @Handles(identityContract, 'access.check')
  check(dto: CheckAccessDto): Promise<AccessFacts> {
    return this.access.check(dto);
  }
}
