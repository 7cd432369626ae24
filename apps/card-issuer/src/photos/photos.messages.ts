import { Controller } from '@nestjs/common';
import { type Actor, type Card, CardIdDto, cardIssuerContract, SetCardPhotoCommand } from '@puerta/contracts';
import { BusContext, Handles } from '@puerta/messaging';
import { callOf } from '../cards/card-access';
import { PhotosService } from './photos.service';

@Controller()
export class PhotosMessages {
  constructor(private readonly photos: PhotosService) {}

  @Handles(cardIssuerContract, 'cards.set-photo')
  async set(dto: SetCardPhotoCommand, context: BusContext<Actor>): Promise<Card> {
    return this.photos.set(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.remove-photo')
  async remove(dto: CardIdDto, context: BusContext<Actor>): Promise<Card> {
    return this.photos.remove(dto, callOf(context));
  }
}
