import { Injectable } from '@nestjs/common';
import { identityContract, type OpenedScan, type ScanProfile, tokenServiceContract } from '@puerta/contracts';
import { DomainError } from '@puerta/contracts/core';
import { InjectService, ServiceClient } from '@puerta/messaging';
import { InjectStorage, SIGNED_URL_SECONDS, type Storage } from '@puerta/storage';
import { DataSource } from 'typeorm';
import { photoUrl, statusOf } from '../cards/card-view';
import { CardEntity } from '../cards/card.entity';
import { hashCode } from '../codes/card-codes';
import { ScanEntity } from './scan.entity';

/** A scan pass lives minutes, and the gateway checks that. After this no scan shows anything, whatever passes say. */
const LONGEST_VIEW_MS = 60 * 60 * 1000;

/** Scans of cards: whoever has a card's code gets a pass that shows its profile for a moment. */
@Injectable()
export class ScansService {
  constructor(
    private readonly dataSource: DataSource,
    @InjectService(tokenServiceContract) private readonly tokens: ServiceClient<typeof tokenServiceContract>,
    @InjectStorage() private readonly storage: Storage,
    @InjectService(identityContract) private readonly identity: ServiceClient<typeof identityContract>,
  ) {}

  /**
   * Records the scan of a live card and gives a pass for it. One statement looks and records; unknown, rotated,
   * suspended, revoked, expired and malformed codes all take the same way through it and get the same answer.
   *
   * @param scanId the id of the message, so that one delivered again is recorded once
   * @throws DomainError `card_not_found`
   */
  async open(code: string, scanId: string): Promise<OpenedScan> {
    const rows = await this.dataSource.query<unknown[]>(
      `INSERT INTO scans AS scan (id, card_id, revision, at)
       SELECT $1, id, revision, $3::timestamptz FROM cards
       WHERE code_hash = $2 AND status = 'active' AND (valid_until IS NULL OR valid_until > $3)
       ON CONFLICT (id) DO UPDATE SET at = scan.at WHERE scan.card_id = excluded.card_id
       RETURNING id`,
      [scanId, hashCode(code), new Date()],
    );
    if (rows.length === 0) throw new DomainError('card_not_found');
    const { token, expires_in } = await this.tokens.request('scan-passes.issue', { scan_id: scanId });
    return { scan_pass: token, expires_in };
  }

  /**
   * What the scan shows, for as long as the code that was scanned is live.
   *
   * @param passExpiresAt in seconds since 1970: the photo is shown no longer
   * @throws DomainError `scan_expired`, also for a scan that never was
   */
  async profile(scanId: string, passExpiresAt: number): Promise<ScanProfile> {
    const now = new Date();
    const card = await this.dataSource.manager
      .createQueryBuilder(CardEntity, 'card')
      .innerJoin(ScanEntity, 'scan', 'scan.cardId = card.id AND scan.revision = card.revision')
      .where('scan.id = :scanId AND scan.at > :since', { scanId, since: new Date(now.getTime() - LONGEST_VIEW_MS) })
      .andWhere(`card.status = 'active' AND (card.validUntil IS NULL OR card.validUntil > :now)`, { now })
      .getOne();
    if (!card) throw new DomainError('scan_expired');
    const company = await this.identity.request('companies.label', { company_id: card.companyId });
    return {
      name: card.holder.name,
      number: card.number,
      company: company.name,
      title: card.holder.title,
      unit: card.holder.unit,
      status: statusOf(card, now),
      photo_url: await this.photoUrl(card, passExpiresAt - Math.floor(now.getTime() / 1_000)),
      valid_until: card.validUntil?.toISOString() ?? null,
    };
  }

  private async photoUrl(card: CardEntity, secondsLeft: number): Promise<string | null> {
    if (secondsLeft < 1) return null;
    return photoUrl(this.storage, card, Math.min(secondsLeft, SIGNED_URL_SECONDS));
  }
}
