import { Injectable, Logger } from '@nestjs/common';
import type { Card, CardIdDto, SetCardPhotoCommand } from '@puerta/contracts';
import { DomainError, MAX_PHOTO_BYTES } from '@puerta/contracts/core';
import type { Call } from '@puerta/service';
import { InjectStorage, newFileKey, readFileKey, type Storage } from '@puerta/storage';
import { DataSource } from 'typeorm';
import { issuedBy, issuingCompany } from '../cards/card-access';
import { CardWriter, hold, record } from '../cards/card-writer';
import { CardEntity } from '../cards/card.entity';
import { notAPhoto, redraw } from './redraw';
import { OrphanFiles } from './orphan-files';

/** Gives photos to cards, and takes them off. */
@Injectable()
export class PhotosService {
  readonly #logger = new Logger('PhotosService');

  constructor(
    private readonly dataSource: DataSource,
    private readonly writer: CardWriter,
    private readonly orphans: OrphanFiles,
    @InjectStorage() private readonly storage: Storage,
  ) {}

  /**
   * Draws the file that was sent anew, and makes it the card's photo in place of the former one. All drawing and
   * storing is done before the transaction, which only says whose the new file is.
   *
   * @throws DomainError `company_required`, `role_required`, `card_not_found`, `validation_failed` for what is no photo
   */
  async set({ card_id, upload }: SetCardPhotoCommand, call: Call): Promise<Card> {
    const companyId = issuingCompany(call);
    const name = readFileKey(upload);
    if (name?.kind !== 'uploads' || name.companyId !== companyId) throw notAPhoto();
    const filter = issuedBy(card_id, call);
    if (!(await this.dataSource.manager.existsBy(CardEntity, filter))) throw new DomainError('card_not_found');

    const photo = await this.prepare(upload, companyId);
    const orphans = photo.key === undefined ? [] : [photo.key];
    const change = this.writer.once({ card_id, upload }, call, async (tx) => {
      // Not earlier: if this message was done already, its file is gone, and its answer is to be given again.
      if (photo.key === undefined) throw photo.problem;
      const card = await hold(tx, filter);
      await this.orphans.adopt(tx, photo.key);
      if (card.photoKey !== null) {
        await this.orphans.abandon(tx, card.photoKey);
        orphans.push(card.photoKey);
      }
      card.photoKey = photo.key;
      await tx.update(CardEntity, { id: card.id }, { photoKey: photo.key });
      await record(tx, card, 'photo_set', call);
      return card;
    });
    const changed = await change.catch(async (error: unknown) => {
      // Refused for good: nobody will come for the file, also if who sent it has ceased to wait.
      if (photo.key === undefined && error === photo.problem) await this.cleanUp([], upload);
      throw error;
    });
    // After other failures nothing is deleted here: whether the transaction was committed may be unknown.
    await this.cleanUp(orphans, upload);
    return changed;
  }

  /**
   * Takes the photo off the card; does nothing when there is none.
   *
   * @throws DomainError `company_required`, `role_required`, `card_not_found`
   */
  async remove(dto: CardIdDto, call: Call): Promise<Card> {
    const filter = issuedBy(dto.card_id, call);
    const orphans: string[] = [];
    const changed = await this.writer.once(dto, call, async (tx) => {
      const card = await hold(tx, filter);
      if (card.photoKey === null) return card;
      await this.orphans.abandon(tx, card.photoKey);
      orphans.push(card.photoKey);
      card.photoKey = null;
      await tx.update(CardEntity, { id: card.id }, { photoKey: null });
      await record(tx, card, 'photo_removed', call);
      return card;
    });
    await this.cleanUp(orphans);
    return changed;
  }

  /** Stores the photo that is drawn of an upload, as an orphan. */
  private async prepare(upload: string, companyId: string): Promise<{ key: string } | { key?: never; problem: Error }> {
    const file = await this.storage.get(upload);
    if (!file) return { problem: new DomainError('service_unavailable') };
    const bytes: Uint8Array[] = [];
    for await (const chunk of file.content) bytes.push(chunk as Uint8Array);
    try {
      const photo = await redraw(Buffer.concat(bytes));
      const key = newFileKey('photos', companyId, 'image/jpeg');
      await this.orphans.expect(key);
      await this.storage.put(key, photo, { limit: MAX_PHOTO_BYTES });
      return { key };
    } catch (error) {
      if (error instanceof DomainError && error.code === 'validation_failed') return { problem: error };
      throw error;
    }
  }

  /** Of `orphans`, those that are no card's now. What cannot be deleted is swept later; the card is as it should be. */
  private async cleanUp(orphans: readonly string[], upload?: string): Promise<void> {
    const deletions = orphans.map((key) => this.orphans.remove(key));
    if (upload !== undefined) deletions.push(this.storage.delete(upload));
    for (const result of await Promise.allSettled(deletions)) {
      if (result.status === 'rejected') this.#logger.warn('a file could not be deleted', result.reason);
    }
  }
}
