import type { ConfigOf } from '@puerta/config';
import type { KeyUse } from '@puerta/contracts';
import { dataSourceOptions } from '@puerta/database';
import { silentLogger } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { KeyCipher } from './key-cipher';
import { KeyRefusal, KeyRotation } from './key-rotation';
import type { keysConfig } from './keys-config';
import type { KeyState } from './signing-key.entity';

/** What is said of a key: nothing of its private half but with which key that is encrypted. */
export interface KeyListing {
  readonly use: KeyUse;
  readonly kid: string;
  readonly state: KeyState;
  readonly state_since: Date;
  readonly created_at: Date;
  readonly signed_until: Date | null;
  readonly encrypted_with: string | null;
}

/** The keys of an installation, for an operator: straight from the database, whether or not a replica runs. */
export class KeyTools {
  private constructor(
    private readonly dataSource: DataSource,
    readonly rotation: KeyRotation,
  ) {}

  static async open(config: ConfigOf<typeof keysConfig>): Promise<KeyTools> {
    const database = {
      url: config.TOKEN_SERVICE_DATABASE_URL,
      schema: 'token_service',
      applicationName: 'puerta-keys',
    };
    const dataSource = new DataSource(dataSourceOptions({ ...database, entities: [], migrations: [], poolSize: 1 }));
    await dataSource.initialize();
    const cipher = new KeyCipher(config.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS);
    return new KeyTools(dataSource, new KeyRotation(dataSource, cipher, config, silentLogger));
  }

  /** Those that sign and verify first, and of those that are retired the latest. */
  async list(use?: KeyUse): Promise<KeyListing[]> {
    return this.dataSource.query<KeyListing[]>(
      `SELECT use, kid, state, state_since, created_at, signed_until, nullif(split_part(private_key, '.', 1), '') AS encrypted_with
         FROM keys WHERE use = coalesce($1, use)
        ORDER BY use, array_position(ARRAY['active', 'next', 'retiring', 'retired'], state), state_since DESC`,
      [use ?? null],
    );
  }

  /** @throws KeyRefusal when there is no such key of that use */
  async require(kid: string, use?: KeyUse): Promise<void> {
    const found = await this.dataSource.query<unknown[]>(
      'SELECT FROM keys WHERE kid = $1 AND use = coalesce($2, use)',
      [kid, use ?? null],
    );
    if (found.length === 0)
      throw new KeyRefusal(
        `there is no key ${JSON.stringify(kid)}${use ? ` for ${use}` : ''}; see: npm run keys -- list`,
      );
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }
}
