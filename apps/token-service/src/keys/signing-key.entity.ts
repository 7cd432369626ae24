import type { PublicKey } from '@puerta/contracts';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** What a key signs: access tokens and scan passes. */
export type KeyUse = 'access';

/** One active key per use, by the index `signing_keys_one_active_per_use`. */
@Entity('signing_keys')
export class SigningKeyEntity {
  /** The thumbprint of the public key (RFC 7638). */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_keys_pkey' })
  kid: string;

  @Column('text')
  use: KeyUse;

  @Column('text')
  state: 'active';

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: PublicKey;

  /** As {@link KeyCipher} seals it. */
  @Column('text', { name: 'private_key' })
  privateKey: string;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
}
