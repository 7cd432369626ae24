import { type AccessFacts, type CheckAccessDto, DomainError } from '@puerta/contracts';
import type { CacheCounts } from '../cache/cache-counts';
import type { AccessFactsCache } from '../cache/access-facts-cache';
import type { VerifiedTokenCache } from '../cache/verified-token-cache';
import { authorizationValues, bearerToken, type RawRequest } from '../http/bearer-token';
import { type AccessClaims, TOKEN_KINDS, type TokenKind } from '../tokens/token-kinds';
import { TokenRejected } from '../tokens/token-rejected';
import type { TokenVerifier } from '../tokens/token-verifier';
import { ANONYMOUS, type Identity, permit, type UserIdentity } from './identity';
import type { Requirement } from './requirement';
import { within } from './within';

/** A guard answers within a second, whatever is away. */
const DEADLINE_MS = 900;

/**
 * Says who a request is from and whether they may. It is asked once for each request, before a body is read; the guards
 * read what it found (see `AuthOptions.identityOf`).
 */
export class Authenticator {
  constructor(
    private readonly passes: Pick<TokenVerifier<'scan'>, 'verify'>,
    private readonly tokens: VerifiedTokenCache,
    private readonly facts: AccessFactsCache,
  ) {}

  /**
   * Whom a request is from, if that needs neither a signature to be verified nor anybody to be asked: what most requests
   * cost, and without a promise.
   *
   * @param request Node's own request: `request.raw` of Fastify, or the one of an upgrade
   * @returns undefined where only `authenticate` can tell
   * @throws DomainError as `authenticate`
   */
  recognize(request: RawRequest, requirement: Requirement): Identity | undefined {
    const credential = credentialFor(request, requirement);
    if (credential === 'scan') return undefined;
    const identity = credential === 'none' ? ANONYMOUS : this.cached(bearerToken(request));
    if (identity) permit(identity, requirement);
    return identity;
  }

  /**
   * @param request as for `recognize`
   * @throws DomainError 401 `unauthenticated`, `access_token_invalid`, `access_token_expired`, `session_revoked`,
   *   `scan_expired`; 403 `company_required`, `not_a_member`, `role_required`; 503 `auth_unavailable`
   */
  async authenticate(request: RawRequest, requirement: Requirement): Promise<Identity> {
    const known = this.recognize(request, requirement);
    if (known) return known;
    const credential = credentialFor(request, requirement) === 'scan' ? 'scan' : 'access';
    const identity = await this.identify(bearerToken(request), credential);
    permit(identity, requirement);
    return identity;
  }

  /** What the caches of verified tokens and of what is known of users were asked for. */
  get cacheCounts(): Readonly<Record<'tokens' | 'facts', CacheCounts>> {
    return { tokens: this.tokens.counts, facts: this.facts.counts };
  }

  /**
   * Whether who was let in with a token still would be, as far as identity says: for connections that last. When keys
   * change, only `authenticate` can tell.
   *
   * @param identity as `authenticate` gave it
   * @returns who it is now; at once while that is known
   * @throws DomainError as `authenticate`, or rejects with it
   */
  recheck(
    { actor, tokenCompanyId, expiresAt }: UserIdentity,
    requirement: Requirement,
  ): UserIdentity | Promise<UserIdentity> {
    const { user_id: sub, session_id: sid, email } = actor;
    const claims = { sub, sid, email, exp: expiresAt, ...(tokenCompanyId !== null && { company_id: tokenCompanyId }) };
    const judge = (facts: AccessFacts): UserIdentity => {
      const identity = identityOf(claims, facts);
      permit(identity, requirement);
      return identity;
    };
    const known = this.facts.get(subjectOf(claims));
    if (known) return judge(known);
    const asked = this.ask(subjectOf(claims)).then(judge);
    return within(DEADLINE_MS, asked, () => new DomainError('auth_unavailable'));
  }

  /** Until when requests with a user's token are let in: seconds since 1970. */
  acceptedUntil({ expiresAt }: UserIdentity): number {
    return expiresAt + TOKEN_KINDS.access.leewaySeconds;
  }

  /** For who has just changed something about a user and need not wait for the invalidation. */
  forget(userId: string): void {
    this.facts.forget(userId);
  }

  private identify(token: string, credential: 'access' | 'scan'): Promise<Identity> {
    const identity = credential === 'scan' ? this.scan(token) : this.user(token);
    return within(DEADLINE_MS, identity, () => new DomainError('auth_unavailable'));
  }

  private async scan(token: string): Promise<Identity> {
    const { sub, exp } = await verified('scan', this.passes.verify(token, 'scan'));
    return { kind: 'scan', scanId: sub, expiresAt: exp };
  }

  /** Who it is, if all of it is known. */
  private cached(token: string): UserIdentity | undefined {
    const claims = this.tokens.get(token);
    const facts = claims && this.facts.get(subjectOf(claims));
    return facts && identityOf(claims, facts);
  }

  private async user(token: string): Promise<UserIdentity> {
    const claims = this.tokens.get(token) ?? (await verified('access', this.tokens.verify(token)));
    const subject = subjectOf(claims);
    return identityOf(claims, this.facts.get(subject) ?? (await this.ask(subject)));
  }

  /** Whatever keeps the facts away, nobody is let in without them. */
  private async ask(subject: CheckAccessDto): Promise<AccessFacts> {
    try {
      return await this.facts.ask(subject);
    } catch (error) {
      throw new DomainError('auth_unavailable', { cause: error });
    }
  }
}

/** What is taken from an access token. */
type Subject = Pick<AccessClaims, 'sub' | 'sid' | 'email' | 'company_id' | 'exp'>;

function subjectOf({ sub, sid, company_id }: Subject): CheckAccessDto {
  return { user_id: sub, session_id: sid, company_id: company_id ?? null };
}

/** @throws DomainError `access_token_invalid`, `session_revoked` */
function identityOf({ sub, sid, email, company_id: companyId = null, exp }: Subject, facts: AccessFacts): UserIdentity {
  // A token outlives its user only when they were erased; a user who was shut out has no session any more.
  if (facts.user === 'unknown') throw new DomainError('access_token_invalid');
  if (facts.user !== 'active' || facts.session !== 'active') throw new DomainError('session_revoked');
  const role = companyId === null ? null : facts.role;
  return {
    kind: 'user',
    actor: {
      user_id: sub,
      session_id: sid,
      email: facts.email ?? email,
      company_id: role === null ? null : companyId,
      role,
    },
    tokenCompanyId: companyId,
    expiresAt: exp,
  };
}

async function verified<Claims>(kind: TokenKind, verification: Promise<Claims>): Promise<Claims> {
  try {
    return await verification;
  } catch (error) {
    if (!(error instanceof TokenRejected)) throw error;
    if (error.reason !== 'expired') throw new DomainError('access_token_invalid', { cause: error });
    throw new DomainError(kind === 'scan' ? 'scan_expired' : 'access_token_expired', { cause: error });
  }
}

function credentialFor(request: RawRequest, { guard }: Requirement): TokenKind | 'none' {
  if (guard === 'public') return 'none';
  if (guard === 'optional' && authorizationValues(request).length === 0) return 'none';
  return guard === 'scan' ? 'scan' : 'access';
}
