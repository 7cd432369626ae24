import { Controller } from '@nestjs/common';
import { type Card, CardIdDto, cardIssuerContract, SetCardPhotoCommand } from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { PhotosService } from './photos.service';

@Controller()
export class PhotosMessages {
  constructor(private readonly photos: PhotosService) {}

  @Handles(cardIssuerContract, 'cards.set-photo')
  async set(dto: SetCardPhotoCommand, call: Call): Promise<Card> {
    return this.photos.set(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.remove-photo')
  async remove(dto: CardIdDto, call: Call): Promise<Card> {
    return this.photos.remove(dto, call);
  }
}
