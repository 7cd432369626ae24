import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options';
import { Inbox } from './inbox';
import { InboxPruner } from './inbox-pruner';

export interface DatabaseModuleOptions extends DatabaseOptions {
  /** Keys the fingerprints of requests in the inbox; without it there is no inbox. */
  readonly fingerprintKey?: KeyObject;
}

/** Tries for half a minute at boot: the database may be starting too. */
const BOOT_RETRY = { retryAttempts: 30, retryDelay: 1_000 };

/** Connects to PostgreSQL; provides TypeORM's `DataSource` and the `Inbox` to the whole application. */
@Module({})
export class DatabaseModule {
  static forRoot({ fingerprintKey, ...options }: DatabaseModuleOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSourceOptions(options), ...BOOT_RETRY })],
      ...(fingerprintKey === undefined ? {} : inboxOf(fingerprintKey)),
    };
  }
}

function inboxOf(fingerprintKey: KeyObject): Pick<DynamicModule, 'providers' | 'exports'> {
  const useFactory = (dataSource: DataSource): Inbox => new Inbox(dataSource, fingerprintKey);
  return { providers: [{ provide: Inbox, inject: [DataSource], useFactory }, InboxPruner], exports: [Inbox] };
}
