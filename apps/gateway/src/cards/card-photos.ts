import { Injectable } from '@nestjs/common';
import { type Card, type CardIdDto, cardIssuerContract } from '@puerta/contracts';
import { type Actor, DomainError, MAX_PHOTO_BYTES } from '@puerta/contracts/core';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { type FileType, InjectStorage, newFileKey, type Storage } from '@puerta/storage';
import type { ComingFile } from '../http/file-body';

/** Photos on their way to the card-issuer: the file goes into the storage, its key over the bus. */
@Injectable()
export class CardPhotos {
  constructor(
    @InjectService(cardIssuerContract) private readonly cards: ServiceClient<typeof cardIssuerContract>,
    @InjectStorage() private readonly storage: Storage,
  ) {}

  /**
   * An Idempotency-Key means nothing here: who sends the same photo again has the same already.
   *
   * @throws DomainError `company_required`, `payload_too_large`, `bad_request`, `unsupported_media_type`; what the card-issuer refuses it with
   */
  async set({ card_id }: CardIdDto, file: ComingFile, actor: Actor): Promise<Card> {
    if (actor.company_id === null) throw new DomainError('company_required');
    const { type, content } = await file.open();
    const upload = newFileKey('uploads', actor.company_id, type as FileType);
    await this.storage.put(upload, content, { limit: MAX_PHOTO_BYTES });
    try {
      return await this.cards.request('cards.set-photo', { card_id, upload }, { actor });
    } catch (error) {
      // Otherwise somebody may still be at work on it, and removes it then.
      const settled = !(error instanceof DomainError && error.code === 'outcome_unknown');
      if (settled) await this.storage.delete(upload).catch(() => undefined);
      throw error;
    }
  }
}
