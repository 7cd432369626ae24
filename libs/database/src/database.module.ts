import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options';
import { Inbox } from './inbox';
import { InboxPruner } from './inbox-pruner';
import { Outbox } from './outbox';

export interface DatabaseModuleOptions extends DatabaseOptions {
  /** Keys the fingerprints of requests in the inbox; without it there is no inbox. */
  readonly fingerprintKey?: KeyObject;
}

/** Tries for half a minute at boot: the database may be starting too. */
const BOOT_RETRY = { retryAttempts: 30, retryDelay: 1_000 };

/** Connects to PostgreSQL; provides TypeORM's `DataSource`, the `Outbox` and the `Inbox` to the whole application. */
@Module({})
export class DatabaseModule {
  static forRoot({ fingerprintKey, ...options }: DatabaseModuleOptions): DynamicModule {
    const inbox = fingerprintKey === undefined ? [] : inboxOf(fingerprintKey);
    return {
      module: DatabaseModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSourceOptions(options), ...BOOT_RETRY })],
      providers: [
        { provide: Outbox, inject: [DataSource], useFactory: (dataSource: DataSource) => new Outbox(dataSource) },
        ...inbox,
      ],
      exports: [Outbox, ...(inbox.length > 0 ? [Inbox] : [])],
    };
  }
}

function inboxOf(fingerprintKey: KeyObject): Provider[] {
  const useFactory = (dataSource: DataSource): Inbox => new Inbox(dataSource, fingerprintKey);
  return [{ provide: Inbox, inject: [DataSource], useFactory }, InboxPruner];
}
