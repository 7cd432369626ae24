import type { KeyObject } from 'node:crypto';
import { BOOT_RETRY } from './at-boot';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Sealer } from '@puerta/messaging';
import { DataSource } from 'typeorm';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options';
import { Inbox } from './inbox';
import { Pruner } from './pruner';

export interface DatabaseModuleOptions extends DatabaseOptions {
  /** What the inbox needs; without it there is none. */
  readonly inbox?: InboxKeys;
}

export interface InboxKeys {
  /** Keys the fingerprints of requests. */
  readonly fingerprintKey: KeyObject;
  /** Seals answers. */
  readonly sealer: Sealer;
}

/** Connects to PostgreSQL; provides TypeORM's `DataSource` and the `Inbox` to the whole application. */
@Module({})
export class DatabaseModule {
  static forRoot({ inbox, ...options }: DatabaseModuleOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [TypeOrmModule.forRoot({ ...dataSourceOptions(options), ...BOOT_RETRY })],
      ...(inbox === undefined ? {} : inboxOf(inbox)),
    };
  }
}

function inboxOf({ fingerprintKey, sealer }: InboxKeys): Pick<DynamicModule, 'providers' | 'exports'> {
  const useFactory = (dataSource: DataSource): Inbox => new Inbox(dataSource, fingerprintKey, sealer);
  const pruner = (inbox: Inbox): Pruner => new Pruner('the inbox', () => inbox.prune());
  return {
    providers: [
      { provide: Inbox, inject: [DataSource], useFactory },
      { provide: Pruner, inject: [Inbox], useFactory: pruner },
    ],
    exports: [Inbox],
  };
}
