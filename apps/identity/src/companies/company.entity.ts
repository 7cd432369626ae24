import type { JoinPolicy, Locale } from '@puerta/contracts';
import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';

@Entity('companies')
export class CompanyEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'companies_pkey' })
  id: string;

  @Column('text')
  name: string;

  @Column('text', { name: 'join_policy' })
  joinPolicy: JoinPolicy;

  /** An IANA name, as Intl knows it. */
  @Column('text', { name: 'time_zone' })
  timeZone: string;

  @Column('text')
  locale: Locale;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt: Date;
}
