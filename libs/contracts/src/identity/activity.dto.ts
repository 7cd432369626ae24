import { ACTIVITY_KINDS, type ActivityKind, type ActivityRecord } from '../core';
import { ApiProperty } from '../documentation';
import { Choice, Id, pageOf, PageQueryDto, Timestamp } from '../validation';

export class RecordActivityDto implements ActivityRecord {
  @Id()
  id: string;

  @Choice(ACTIVITY_KINDS)
  kind: ActivityKind;

  @Timestamp()
  at: string;

  @Id()
  actor_user_id: string;

  @Id({ optional: true })
  company_id: string | null;

  @Id()
  subject_id: string;
}

export class ListActivityCommand extends PageQueryDto {
  @Id()
  company_id: string;
}

export class Activity {
  @ApiProperty({ format: 'uuid' })
  activity_id: string;

  @ApiProperty({ enum: ACTIVITY_KINDS, example: 'card.issued' })
  kind: ActivityKind;

  @ApiProperty({ format: 'date-time' })
  at: string;

  @ApiProperty({ format: 'uuid', description: 'Who did it' })
  actor_user_id: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The company it concerns' })
  company_id: string | null;

  @ApiProperty({
    format: 'uuid',
    description: 'The session, company, invitation, user, card or token, as the kind says',
  })
  subject_id: string;
}

export class ActivityPage extends pageOf(Activity) {}
