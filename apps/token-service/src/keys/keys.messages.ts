import { Controller } from '@nestjs/common';
import { type KeySet, PublicKeysDto, tokenServiceContract } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import { SigningKeysService } from './signing-keys.service';

@Controller()
export class KeysMessages {
  constructor(private readonly keys: SigningKeysService) {}

  @Handles(tokenServiceContract, 'keys.public')
  async published({ use }: PublicKeysDto): Promise<KeySet> {
    return this.keys.published(use ?? 'access');
  }
}
