import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** A login, and with it a family of refresh tokens of which one is current. */
@Entity('sessions')
export class SessionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sessions_pkey' })
  id: string;

  @Column('uuid', { name: 'user_id' })
  userId: string;

  /** The company the session acts in, as long as its user is an active member there. */
  @Column('uuid', { name: 'company_id', nullable: true })
  companyId: string | null;

  /** Makes the first refresh token, together with the server's secret. */
  @Column('bytea')
  salt: Buffer;

  /** SHA-256 of the current refresh token. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  @Column('timestamptz', { name: 'rotated_at', nullable: true })
  rotatedAt: Date | null;

  /** The end of the session; refreshing does not move it. */
  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt: Date | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
}
