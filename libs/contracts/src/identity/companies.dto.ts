import { ROLES, type Role } from '../core';
import { ApiProperty, SchemaName } from '../documentation';
import { changesOf, Choice, Email, Flag, Id, Int, pageOf, PageQueryDto, Text } from '../validation';
import { LOCALES, type Locale } from './users.dto';

/** Who may join without being invited: nobody, or anybody. */
export const JOIN_POLICIES = ['invitation', 'open'] as const;
export type JoinPolicy = (typeof JOIN_POLICIES)[number];

@SchemaName('NewCompany')
export class CreateCompanyDto {
  @Text({ max: 120, example: 'Universidad Demo' })
  name: string;

  @Choice(JOIN_POLICIES, { optional: true, description: '`invitation` unless told' })
  join_policy?: JoinPolicy | null;

  @Text({
    max: 64,
    pattern: /^[A-Za-z0-9_+\-/]+$/,
    format: 'IANA time zone',
    optional: true,
    example: 'America/Caracas',
    description: '`UTC` unless told',
  })
  time_zone?: string | null;

  @Choice(LOCALES, { optional: true, description: '`en` unless told' })
  locale?: Locale | null;
}

/** Absent fields stay as they are. No field can be empty: null is refused. */
@SchemaName('CompanyChanges')
export class UpdateCompanyDto extends changesOf(CreateCompanyDto) {}

/** The same over the bus, where the company is a field. */
export class UpdateCompanyCommand extends UpdateCompanyDto {
  @Id()
  company_id: string;
}

export class CompanyIdDto {
  @Id()
  company_id: string;
}

/** A user and a company, about whom another service asks. */
export class MembershipDto {
  @Id()
  company_id: string;

  @Id()
  user_id: string;
}

/** Whether a user is an active member of a company, now. Of a user or a company that never was it is false too. */
export interface MembershipFact {
  readonly active: boolean;
}

@SchemaName('NewInvitation')
export class InviteDto {
  @Email({ example: 'luis@example.com' })
  email: string;

  @Choice(ROLES.filter((role) => role !== 'owner'))
  role: Role;

  @Int({ min: 60, max: 2_592_000, optional: true, description: 'Seconds, 7 days unless told', example: 86_400 })
  expires_in?: number | null;

  @Flag({ optional: true, description: 'Good for whoever presents it; else only for an account with that e-mail' })
  any_email?: boolean | null;
}

export class InviteCommand extends InviteDto {
  @Id()
  company_id: string;
}

export class ListInvitationsCommand extends PageQueryDto {
  @Id()
  company_id: string;
}

export class InvitationIdDto {
  @Id()
  company_id: string;

  @Id()
  invitation_id: string;
}

export class Company {
  @ApiProperty({ format: 'uuid' })
  company_id: string;

  @ApiProperty({ example: 'Universidad Demo' })
  name: string;

  @ApiProperty({ enum: JOIN_POLICIES })
  join_policy: JoinPolicy;

  @ApiProperty({ example: 'America/Caracas' })
  time_zone: string;

  @ApiProperty({ enum: LOCALES })
  locale: Locale;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

/** A company of the caller's, with the role there. */
export class MyCompany extends Company {
  @ApiProperty({ enum: ROLES })
  role: Role;
}

export class CompanyPage extends pageOf(MyCompany) {}

/** What other services may know of a company. */
export interface CompanyLabel {
  readonly company_id: string;
  readonly name: string;
}

export class Invitation {
  @ApiProperty({ format: 'uuid' })
  invitation_id: string;

  @ApiProperty({ format: 'email', example: 'luis@example.com' })
  email: string;

  @ApiProperty({ enum: ROLES, example: 'member' })
  role: Role;

  @ApiProperty({ description: 'Whether it is good for whoever presents it' })
  any_email: boolean;

  @ApiProperty({ enum: ['pending', 'accepted', 'revoked', 'expired'] })
  status: 'pending' | 'accepted' | 'revoked' | 'expired';

  @ApiProperty({ format: 'date-time' })
  expires_at: string;

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

export class CreatedInvitation extends Invitation {
  @ApiProperty({
    description: 'The secret, shown this once',
    example: 'm8Vd0Yw3Kq1rT5uXz7Bc9Ef2Gh4Jk6Lm8Np0Qs2Tv4Y',
  })
  invitation: string;
}

export class InvitationPage extends pageOf(Invitation) {}

/** Answer of commands that only succeed. */
export interface Done {
  readonly done: true;
}
