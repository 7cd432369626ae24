import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options';
import { Inbox } from './inbox';
import { InboxPruner } from './inbox-pruner';

export interface DatabaseModuleOptions extends DatabaseOptions {
  /** Keys the fingerprints of requests in the inbox. */
  readonly fingerprintKey: KeyObject;
}

/** Tries for half a minute at boot: the database may be starting too. */
const BOOT_RETRY = { retryAttempts: 30, retryDelay: 1_000 };

/** Connects to PostgreSQL; provides TypeORM's `DataSource` and the `Inbox` everywhere. */
@Module({})
export class DatabaseModule {
  static forRoot({ fingerprintKey, ...options }: DatabaseModuleOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSourceOptions(options), ...BOOT_RETRY })],
      providers: [
        {
          provide: Inbox,
          inject: [DataSource],
          useFactory: (dataSource: DataSource) => new Inbox(dataSource, fingerprintKey),
        },
        InboxPruner,
      ],
      exports: [Inbox],
    };
  }
}
