import { ROLES, type Role } from '@puerta/contracts';
import { Column, CreateDateColumn, Entity, JoinColumn, ManyToOne, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import { CompanyEntity } from './company.entity';

@Entity('memberships')
export class MembershipEntity {
  @PrimaryColumn('uuid', { name: 'user_id', primaryKeyConstraintName: 'memberships_pkey' })
  userId: string;

  @PrimaryColumn('uuid', { name: 'company_id', primaryKeyConstraintName: 'memberships_pkey' })
  companyId: string;

  @ManyToOne(() => CompanyEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'company_id', foreignKeyConstraintName: 'memberships_company_id_fkey' })
  company: CompanyEntity;

  @Column('enum', { enum: ROLES, enumName: 'company_role' })
  role: Role;

  @Column('text')
  status: 'active' | 'suspended';

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt: Date;
}
