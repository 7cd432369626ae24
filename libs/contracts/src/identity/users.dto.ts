import { ROLES, type Role } from '../core';
import { ApiProperty } from '../documentation';
import { Choice, Email, Id, KnownEmail, NewPassword, Password, Presented, Text } from '../validation';

export const LOCALES = ['en', 'es'] as const;
export type Locale = (typeof LOCALES)[number];

/** The secret of an invitation: 256 bits as base64url. */
const INVITATION_SECRET = /^[A-Za-z0-9_-]{43}$/;

/** As many bits. */
const REFRESH_TOKEN = /^[A-Za-z0-9_-]{43}$/;

export class RegisterDto {
  @Text({ max: 120, example: 'Ana Pérez' })
  name: string;

  @Email()
  email: string;

  @NewPassword()
  password: string;

  @Presented({
    max: 43,
    pattern: INVITATION_SECRET,
    format: 'invitation',
    optional: true,
    description: 'Joins the company that invites',
  })
  invitation?: string | null;

  @Choice(LOCALES, { optional: true, description: 'Language of mails and pages, `en` unless told' })
  locale?: Locale | null;
}

export class LoginDto {
  @KnownEmail()
  email: string;

  @Password()
  password: string;
}

export class RefreshDto {
  @Presented({ max: 43, pattern: REFRESH_TOKEN, format: 'refresh token' })
  refresh_token: string;
}

export class LogoutDto {
  @Presented({ max: 43, pattern: REFRESH_TOKEN, format: 'refresh token', optional: true })
  refresh_token?: string | null;
}

/** Absent fields stay as they are. No field can be empty: null is refused. */
export class UpdateMeDto {
  @Text({ max: 120, optional: true })
  name?: string | null;

  @Choice(LOCALES, { optional: true })
  locale?: Locale | null;
}

export class EnsureCompanyDto {
  @Id({
    optional: true,
    description: 'The company to act in; else the one that invites, else the current one, else the default one',
  })
  company_id?: string | null;

  @Presented({ max: 43, pattern: INVITATION_SECRET, format: 'invitation', optional: true })
  invitation?: string | null;
}

/** For patterns that act on the actor alone. */
export class NothingDto {}

/** Who asks: the facts of an access token that must still hold. */
export class CheckAccessDto {
  @Id()
  user_id: string;

  @Id()
  session_id: string;

  @Id({ optional: true })
  company_id?: string | null;
}

/** What is true now of the subject of an access token. */
export interface AccessFacts {
  readonly user: 'active' | 'inactive' | 'unknown';
  readonly session: 'active' | 'revoked';
  readonly email: string | null;
  /** The role of the active membership in the company asked about; null without one. */
  readonly role: Role | null;
  /** Milliseconds until the session ends by itself; without it none of this may be kept. */
  readonly ends_in_ms?: number;
}

export class LoginAnswer {
  @ApiProperty({ description: 'JWT, sent as Authorization: Bearer' })
  access_token: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type: 'Bearer';

  @ApiProperty({ description: 'Seconds the access token lives' })
  expires_in: number;

  @ApiProperty({ description: 'Opaque; good for one refresh' })
  refresh_token: string;

  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty()
  email: string;

  @ApiProperty()
  name: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  company_id: string | null;

  @ApiProperty({ enum: ROLES, isArray: true })
  roles: Role[];
}

export class Membership {
  @ApiProperty({ format: 'uuid' })
  company_id: string;

  @ApiProperty()
  company_name: string;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({ enum: ['active', 'suspended'] })
  status: 'active' | 'suspended';
}

export class UserProfile {
  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty()
  name: string;

  @ApiProperty()
  email: string;

  @ApiProperty()
  email_verified: boolean;

  @ApiProperty({ enum: LOCALES })
  locale: Locale;

  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The company of the token' })
  company_id: string | null;

  @ApiProperty({ type: [Membership] })
  memberships: Membership[];

  @ApiProperty({ format: 'date-time' })
  created_at: string;
}

export class EnsureCompanyAnswer {
  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty({ format: 'uuid' })
  company_id: string;

  @ApiProperty({ enum: ROLES, isArray: true })
  roles: Role[];

  @ApiProperty()
  message: string;

  @ApiProperty({ description: 'Replaces the access token; carries company_id' })
  new_access_token: string;

  @ApiProperty({ description: 'Seconds the new token lives' })
  expires_in: number;
}
