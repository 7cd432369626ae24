import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ConfigError } from '@puerta/config';
import type { KeySet } from '@puerta/contracts';
import type { Logger } from '@puerta/observability';
import { InjectLogger } from '@puerta/service';
import { DataSource, type Repository } from 'typeorm';
import { KeyCipher, SealError } from './key-cipher';
import { generateKeyPair, type KeyPair, keyPairOf } from './key-pair';
import { type KeyUse, SigningKeyEntity } from './signing-key.entity';

/**
 * The signing keys. Private halves leave the database in encrypted form, are opened here, and go nowhere else. The first
 * replica ever started makes them; later ones find them.
 */
@Injectable()
export class SigningKeysService implements OnModuleInit {
  private readonly rows: Repository<SigningKeyEntity>;
  private active: ReadonlyMap<KeyUse, KeyPair> = new Map();

  constructor(
    dataSource: DataSource,
    private readonly cipher: KeyCipher,
    @InjectLogger() private readonly logger: Logger,
  ) {
    this.rows = dataSource.getRepository(SigningKeyEntity);
  }

  /** @throws ConfigError when a key cannot be opened: a new one in its place would end every session silently */
  async onModuleInit(): Promise<void> {
    await this.load();
  }

  /** The key that signs for this use now. */
  signing(use: KeyUse): KeyPair {
    const key = this.active.get(use);
    if (!key) throw new Error(`there is no active signing key for ${use}`);
    return key;
  }

  /** What verifiers may know (RFC 7517 5): the keys as they are now, for one that was withdrawn must be gone at once. */
  async published(): Promise<KeySet> {
    await this.load();
    return { keys: [...this.active.values()].map(({ publicJwk }) => publicJwk) };
  }

  private async load(): Promise<void> {
    if (!(await this.rows.existsBy({ use: 'access', state: 'active' }))) await this.create('access');
    const rows = await this.rows.find();
    this.active = new Map(rows.map((row) => [row.use, this.open(row)]));
  }

  /** Of several replicas that start at once, the index lets one key in. */
  private async create(use: KeyUse): Promise<void> {
    const { kid, privateKey, publicJwk } = generateKeyPair();
    const sealed = this.cipher.seal(kid, privateKey);
    const made = await this.rows.query<unknown[]>(
      `INSERT INTO signing_keys (kid, use, state, public_jwk, private_key) VALUES ($1, $2, 'active', $3, $4)
       ON CONFLICT (use) WHERE state = 'active' DO NOTHING RETURNING kid`,
      [kid, use, publicJwk, sealed],
    );
    if (made.length > 0) this.logger.info(`made the first signing key for ${use}: ${kid}`);
  }

  private open({ kid, privateKey, publicJwk }: SigningKeyEntity): KeyPair {
    const key = keyPairOf(this.unsealed(kid, privateKey));
    // Whoever can write to the table must not be able to have a key of theirs published.
    if (key.kid !== kid || key.publicJwk.x !== publicJwk.x || key.publicJwk.y !== publicJwk.y) {
      throw new Error(`the row of the signing key ${kid} was changed: its public key is not that of its private key`);
    }
    return key;
  }

  private unsealed(kid: string, privateKey: string) {
    try {
      return this.cipher.open(kid, privateKey);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw new ConfigError('token-service', [{ variable: 'TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', problem: error.message }]);
    }
  }
}
