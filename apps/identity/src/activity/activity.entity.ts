import type { ActivityKind } from '@puerta/contracts';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A line of the activity trail: written once, never changed. It names people and things by their ids alone. */
@Entity('activity')
export class ActivityEntity {
  /** The event's own. Ids are made in the order of time, so newest first is by this column. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'activity_pkey' })
  id: string;

  @Column('text')
  kind: ActivityKind;

  @Column('timestamptz')
  at: Date;

  @Column('uuid', { name: 'actor_user_id' })
  actorUserId: string;

  @Column('uuid', { name: 'company_id', nullable: true })
  companyId: string | null;

  @Column('uuid', { name: 'subject_id' })
  subjectId: string;
}
