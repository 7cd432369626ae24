import type { KeyUse, PublicKey } from '@puerta/contracts';
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/**
 * A key is first published (next), then signs (active), then verifies what it signed (retiring), and is nothing any more
 * (retired): it goes forward, never back.
 */
export const KEY_STATES = ['next', 'active', 'retiring', 'retired'] as const;

export type KeyState = (typeof KEY_STATES)[number];

/** One active key and one next key of each use, by the indexes `keys_one_active` and `keys_one_next`. */
@Entity('keys')
export class SigningKeyEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'keys_pkey' })
  kid: string;

  @Column('text')
  use: KeyUse;

  @Column('text')
  state: KeyState;

  @Column('timestamptz', { name: 'state_since' })
  stateSince: Date;

  /** Nothing that the key signed is good after this; null until it has signed. */
  @Column('timestamptz', { name: 'signed_until', nullable: true })
  signedUntil: Date | null;

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: PublicKey;

  /** As `KeyCipher` seals it; null once the key is retired. */
  @Column('text', { name: 'private_key', nullable: true })
  privateKey: string | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
}
