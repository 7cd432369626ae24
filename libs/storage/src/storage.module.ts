import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigError, type StoragePlace } from '@puerta/config';
import { Sealer, type SealingKeys } from '@puerta/messaging';
import { FileAddresses } from './folder/file-address';
import { FolderStorage } from './folder/folder-storage';
import { SingleHost } from './folder/single-host';
import { S3Storage } from './s3/s3-storage';
import type { Storage } from './storage';

/** What of an app's configuration is about files. */
export interface StorageConfig {
  readonly STORAGE_URL: StoragePlace;
  readonly STORAGE_S3_ACCESS_KEY_ID?: string | undefined;
  readonly STORAGE_S3_SECRET_ACCESS_KEY?: string | undefined;
  /** Seals the addresses of files in a folder. */
  readonly BUS_SECRET: SealingKeys;
  readonly PUBLIC_URL: string;
  readonly REDIS_BUS_URL: string;
  readonly BUS_PREFIX: string;
}

/** What the `Storage` of an app is provided under. */
export const STORAGE = Symbol('storage');

/** Injects the `Storage` of the app. */
export const InjectStorage = (): ParameterDecorator & PropertyDecorator => Inject(STORAGE);

/** A storage that is open, and what is to be done when it is not needed any more. */
@Injectable()
class OpenStorage implements OnApplicationShutdown {
  constructor(
    readonly storage: Storage,
    private readonly release: () => Promise<void>,
  ) {}

  /** Late: handlers that drain still use it. */
  async onApplicationShutdown(): Promise<void> {
    await this.storage.close();
    await this.release();
  }
}

/** Opens the one storage of an app, in the folder or bucket that its configuration names. */
@Module({})
export class StorageModule {
  /** @param app its name */
  static forRoot(app: string, config: StorageConfig): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      providers: [
        {
          provide: OpenStorage,
          inject: [FileAddresses],
          useFactory: (addresses: FileAddresses) => open(app, config, addresses),
        },
        { provide: FileAddresses, useFactory: () => new FileAddresses(new Sealer(config.BUS_SECRET)) },
        { provide: STORAGE, inject: [OpenStorage], useFactory: ({ storage }: OpenStorage) => storage },
      ],
      exports: [STORAGE, FileAddresses],
    };
  }
}

/** @throws ConfigError when a key is missing, or another host uses a folder too */
async function open(app: string, config: StorageConfig, addresses: FileAddresses): Promise<OpenStorage> {
  const place = config.STORAGE_URL;
  if (place.kind === 's3') {
    const storage = await S3Storage.open({ place, credentials: credentialsOf(app, config) });
    return new OpenStorage(storage, async () => undefined);
  }
  const storage = await FolderStorage.open({ path: place.path, publicUrl: config.PUBLIC_URL, addresses });
  const { REDIS_BUS_URL: redis, BUS_PREFIX: prefix } = config;
  const claim = await SingleHost.claim({ redis, prefix, folder: storage.root, app });
  return new OpenStorage(storage, () => claim.release());
}

function credentialsOf(app: string, config: StorageConfig): { accessKeyId: string; secretAccessKey: string } {
  const { STORAGE_S3_ACCESS_KEY_ID: accessKeyId, STORAGE_S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  const needed = { STORAGE_S3_ACCESS_KEY_ID: accessKeyId, STORAGE_S3_SECRET_ACCESS_KEY: secretAccessKey };
  const missing = Object.entries(needed).filter(([, value]) => value === undefined);
  throw new ConfigError(
    app,
    missing.map(([variable]) => ({ variable, problem: 'is not set, and a bucket needs it' })),
  );
}
