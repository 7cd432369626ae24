import { Injectable } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import { InjectStorage, type Storage } from '@puerta/storage';
import { DataSource, type EntityManager } from 'typeorm';
import { OrphanFileEntity } from './orphan-file.entity';

/** Shorter than until it is swept, by much: a file that is swept is never one that a card is being given. */
const ADOPTABLE = `interval '10 minutes'`;
const SWEPT = `interval '1 hour'`;
const BATCH = 100;

/**
 * Files that are to be deleted. The storage takes no part in transactions, so what is stored is written down as a
 * orphan first; the transaction that gives it to a card takes it off, and puts the former one on. Whenever a process dies, what
 * it left is known here.
 */
@Injectable()
export class OrphanFiles {
  constructor(
    private readonly dataSource: DataSource,
    @InjectStorage() private readonly storage: Storage,
  ) {}

  /** Before a file is stored. */
  async expect(key: string): Promise<void> {
    await this.dataSource.manager.insert(OrphanFileEntity, { key });
  }

  /**
   * In the transaction that gives it to a card.
   *
   * @throws DomainError `service_unavailable` for one that has waited for so long that it may be swept
   */
  async adopt(tx: EntityManager, key: string): Promise<void> {
    const [, count] = await tx.query<[unknown, number]>(
      `DELETE FROM orphan_files WHERE key = $1 AND since > now() - ${ADOPTABLE}`,
      [key],
    );
    if (count !== 1) throw new DomainError('service_unavailable');
  }

  /** In the transaction that takes it from a card. */
  async abandon(tx: EntityManager, key: string): Promise<void> {
    await tx.insert(OrphanFileEntity, { key });
  }

  /** Deletes the file now, if it is still an orphan. What cannot be deleted is swept later. */
  async remove(key: string): Promise<void> {
    if (!(await this.dataSource.manager.existsBy(OrphanFileEntity, { key }))) return;
    await this.storage.delete(key);
    await this.dataSource.manager.delete(OrphanFileEntity, { key });
  }

  /**
   * Deletes a batch of those that nobody came for.
   *
   * @returns whether there may be more
   */
  async sweep(): Promise<boolean> {
    const orphans = await this.dataSource.query<{ key: string }[]>(
      `SELECT key FROM orphan_files WHERE since < now() - ${SWEPT} ORDER BY since LIMIT ${BATCH}`,
    );
    for (const { key } of orphans) await this.remove(key);
    return orphans.length === BATCH;
  }
}
