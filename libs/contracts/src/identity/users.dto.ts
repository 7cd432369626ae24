import { ROLES, type Role } from '../core';
import { ApiProperty, SchemaName } from '../documentation';
import { Choice, Email, Id, KnownEmail, NewPassword, Password, Presented, Text } from '../validation';

export const LOCALES = ['en', 'es'] as const;
export type Locale = (typeof LOCALES)[number];

/** The secret of an invitation: 256 bits as base64url. */
const INVITATION_SECRET = /^[A-Za-z0-9_-]{43}$/;

/** As many bits. */
const REFRESH_TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The id of a session and 256 bits, in base64url. */
export const DEVICE_TOKEN = /^[A-Za-z0-9_-]{64}$/;

@SchemaName('Registration')
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

  @Choice(LOCALES, { optional: true, description: 'Language of mails and pages, `en` unless told', example: 'es' })
  locale?: Locale | null;
}

@SchemaName('Credentials')
export class LoginDto {
  @KnownEmail()
  email: string;

  @Password()
  password: string;

  @Presented({
    max: 64,
    pattern: DEVICE_TOKEN,
    format: 'device token',
    example: 'AaIR30mtceOkwNipH2t8JWPYYHb6j7_v1IoWOAeKUPemeA1vOmKOIj4hQmvm44cI',
    optional: true,
    description: 'Of an earlier answer to this device: strangers who guess at the password do not keep it out then',
  })
  device_token?: string | null;
}

/** What a device says to be known. */
export class CheckDeviceDto {
  @KnownEmail()
  email: string;

  @Presented({ max: 64, pattern: DEVICE_TOKEN, format: 'device token' })
  device_token: string;
}

export interface DeviceFacts {
  /** Whether it once had a session of the account with that e-mail. */
  readonly known: boolean;
}

@SchemaName('RefreshTokenToUse')
export class RefreshDto {
  @Presented({
    max: 43,
    pattern: REFRESH_TOKEN,
    format: 'refresh token',
    example: 'ZiTg0PoFHCV_PJXQAsDII2MioZgV5hroMRu8MJE2Sa0',
  })
  refresh_token: string;
}

@SchemaName('SessionToEnd')
export class LogoutDto {
  @Presented({ max: 43, pattern: REFRESH_TOKEN, format: 'refresh token', optional: true })
  refresh_token?: string | null;
}

/** Absent fields stay as they are. No field can be empty: null is refused. */
@SchemaName('UserChanges')
export class UpdateMeDto {
  @Text({ max: 120, optional: true, example: 'Ana María Pérez' })
  name?: string | null;

  @Choice(LOCALES, { optional: true })
  locale?: Locale | null;
}

@SchemaName('CompanyChoice')
export class EnsureCompanyDto {
  @Id({
    optional: true,
    example: '01993c1e-7d52-7c3a-9b1f-ad7ccef6d87d',
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

@SchemaName('Session')
export class LoginAnswer {
  @ApiProperty({ description: 'JWT, sent as Authorization: Bearer', example: 'eyJhbGciOiJFUzI1NiIs…' })
  access_token: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type: 'Bearer';

  @ApiProperty({ type: 'integer', description: 'Seconds the access token lives', example: 900 })
  expires_in: number;

  @ApiProperty({
    description: 'Opaque; good for one refresh',
    example: 'ZiTg0PoFHCV_PJXQAsDII2MioZgV5hroMRu8MJE2Sa0',
  })
  refresh_token: string;

  @ApiProperty({
    description: 'Opaque; kept by the device, and sent with its next login. It opens nothing',
    example: 'AaIR30mtceOkwNipH2t8JWPYYHb6j7_v1IoWOAeKUPemeA1vOmKOIj4hQmvm44cI',
  })
  device_token: string;

  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty({ format: 'email', example: 'ana@example.com' })
  email: string;

  @ApiProperty({ example: 'Ana Pérez' })
  name: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  company_id: string | null;

  @ApiProperty({ enum: ROLES, isArray: true })
  roles: Role[];
}

export class Membership {
  @ApiProperty({ format: 'uuid' })
  company_id: string;

  @ApiProperty({ example: 'Universidad Demo' })
  company_name: string;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({ enum: ['active', 'suspended'] })
  status: 'active' | 'suspended';
}

@SchemaName('User')
export class UserProfile {
  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty({ example: 'Ana Pérez' })
  name: string;

  @ApiProperty({ format: 'email', example: 'ana@example.com' })
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

@SchemaName('ChosenCompany')
export class EnsureCompanyAnswer {
  @ApiProperty({ format: 'uuid' })
  user_id: string;

  @ApiProperty({ format: 'uuid' })
  company_id: string;

  @ApiProperty({ enum: ROLES, isArray: true })
  roles: Role[];

  @ApiProperty({ description: 'For people', example: 'You are a member of Universidad Demo' })
  message: string;

  @ApiProperty({ description: 'Replaces the access token; carries company_id', example: 'eyJhbGciOiJFUzI1NiIs…' })
  new_access_token: string;

  @ApiProperty({ type: 'integer', description: 'Seconds the new token lives', example: 900 })
  expires_in: number;
}
