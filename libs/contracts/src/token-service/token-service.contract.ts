import { answers, defineContract, ROLES, type Role } from '../core';
import { Choice, Id, KnownEmail, Text } from '../validation';
import { IssueTicketsDto, type SignedTickets } from './tickets.dto';
import { ArrayMaxSize, IsArray, IsIn } from 'class-validator';
import {
  type CreatedToken,
  CreateTokenDto,
  PresentTokenDto,
  type RevokedToken,
  TokenIdDto,
  type ValidToken,
} from './single-use-tokens.dto';

/** What is said of a user in a token. */
class UserClaimsDto {
  @Id()
  user_id: string;

  @KnownEmail()
  email: string;

  @Id({ optional: true })
  company_id?: string | null;

  @IsArray()
  @ArrayMaxSize(ROLES.length)
  @IsIn(ROLES, { each: true })
  roles: Role[];
}

export class IssueAccessTokenDto extends UserClaimsDto {
  @Id()
  session_id: string;
}

export class IssueScanPassDto {
  @Id()
  scan_id: string;
}

/** The name of a service behind the gateway. */
const SERVICE_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** What the gateway tells a service behind it of who asks, and has signed. */
export class IssueAssertionDto extends UserClaimsDto {
  @Text({ max: 32, pattern: SERVICE_NAME, format: 'the name of a route' })
  audience: string;
}

/** What keys are for: access tokens and scan passes, tickets, or assertions. A key of one set verifies nothing of another. */
export const KEY_USES = ['access', 'ticket', 'assertion'] as const;

export type KeyUse = (typeof KEY_USES)[number];

/** How long others may keep the public keys. A key is published for longer than this before it signs. */
export const KEYS_MAX_AGE_SECONDS = 300;

export class PublicKeysDto {
  /** `access` when it is not given. */
  @Choice(KEY_USES, { optional: true })
  use?: KeyUse | null;
}

export interface IssuedToken {
  readonly token: string;
  /** Seconds it lives. */
  readonly expires_in: number;
}

/** A public signing key as a JWK (RFC 7517). */
export interface PublicKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'ES256';
}

export interface KeySet {
  readonly keys: PublicKey[];
}

const SINGLE_USE_CALLERS = ['gateway', 'identity', 'card-issuer'] as const;

/** Every signed token of Puerta's, the keys that verify it, and tokens that are good once. */
export const tokenServiceContract = defineContract('token-service', {
  'access-tokens.issue': answers<IssuedToken>().to(IssueAccessTokenDto, 'identity'),
  'scan-passes.issue': answers<IssuedToken>().to(IssueScanPassDto, 'card-issuer'),
  'assertions.issue': answers<IssuedToken>().to(IssueAssertionDto, 'gateway'),
  'tickets.issue': answers<SignedTickets>().to(IssueTicketsDto, 'card-issuer'),
  'keys.public': answers<KeySet>().to(PublicKeysDto, 'gateway'),
  /** Tokens that are good once. Each caller has a space of its own, in which nobody else's tokens are. */
  'single-use-tokens.issue': answers<CreatedToken>().to(CreateTokenDto, ...SINGLE_USE_CALLERS),
  'single-use-tokens.redeem': answers<ValidToken>().to(PresentTokenDto, ...SINGLE_USE_CALLERS),
  'single-use-tokens.peek': answers<ValidToken>().to(PresentTokenDto, ...SINGLE_USE_CALLERS),
  'single-use-tokens.revoke': answers<RevokedToken>().to(TokenIdDto, ...SINGLE_USE_CALLERS),
});
