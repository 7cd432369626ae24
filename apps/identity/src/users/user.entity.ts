import type { Locale } from '@puerta/contracts';
import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';

@Entity('users')
export class UserEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'users_pkey' })
  id: string;

  /** As it is shown, and as mail is sent to it. */
  @Column('text')
  email: string;

  /** `canonicalEmail` of it, where that is not the same text. Unique by `users_email_key`, with `email` where it is null. */
  @Column('text', { name: 'canonical_email', nullable: true })
  canonicalEmail: string | null;

  @Column('timestamptz', { name: 'email_verified_at', nullable: true })
  emailVerifiedAt: Date | null;

  @Column('text')
  name: string;

  /** argon2id in the PHC string format, parameters and salt included. Not read unless asked for. */
  @Column('text', { name: 'password_hash', select: false })
  passwordHash: string;

  @Column('text')
  locale: Locale;

  @Column('text')
  status: 'active' | 'inactive';

  /** The company chosen last, in which the next session begins. */
  @Column('uuid', { name: 'company_id', nullable: true })
  companyId: string | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt: Date;
}
