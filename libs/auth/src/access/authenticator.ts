import { type AccessFacts, type CheckAccessDto, DomainError } from '@puerta/contracts';
import { authorizationValues, bearerToken, type RawRequest } from '../http/bearer-token';
import type { ClaimsOf, TokenKind } from '../tokens/token-kinds';
import { TokenRejected } from '../tokens/token-rejected';
import type { TokenVerifier } from '../tokens/token-verifier';
import { ANONYMOUS, type Identity, permit, type UserIdentity } from './identity';
import type { Requirement } from './requirement';
import { within } from './within';

/** Asks identity what is true now of the subject of a token. */
export type FactsSource = (subject: CheckAccessDto) => Promise<AccessFacts>;

/** A guard answers within a second, whatever is away. */
const DEADLINE_MS = 900;

type Credential = TokenKind | 'none';

/**
 * Says who a request is from and whether they may. The gateway asks before a body is read, and the guards ask again
 * when the route's handler is known: the second time the identity is remembered, and only the permission is judged anew.
 */
export class Authenticator {
  /** Keyed by the request object itself: nothing that a client sends can name it, and it dies with the request. */
  private readonly remembered = new WeakMap<RawRequest, { credential: Credential; identity: Promise<Identity> }>();

  constructor(
    private readonly tokens: TokenVerifier,
    private readonly facts: FactsSource,
  ) {}

  /**
   * @param request Node's own request: `request.raw` of Fastify, or the one of an upgrade
   * @throws DomainError 401 `unauthenticated`, `access_token_invalid`, `access_token_expired`, `session_revoked`,
   *   `scan_expired`; 403 `company_required`, `not_a_member`, `role_required`; 503 `auth_unavailable`
   */
  async authenticate(request: RawRequest, requirement: Requirement): Promise<Identity> {
    const identity = await this.identify(request, credentialFor(request, requirement));
    permit(identity, requirement);
    return identity;
  }

  private identify(request: RawRequest, credential: Credential): Promise<Identity> {
    const known = this.remembered.get(request);
    if (known?.credential === credential) return known.identity;
    const identity = this.inspect(request, credential);
    this.remembered.set(request, { credential, identity });
    return identity;
  }

  private async inspect(request: RawRequest, credential: Credential): Promise<Identity> {
    if (credential === 'none') return ANONYMOUS;
    const token = bearerToken(request);
    const identity = credential === 'scan' ? this.scan(token) : this.user(token);
    return within(DEADLINE_MS, identity, () => new DomainError('auth_unavailable'));
  }

  private async scan(token: string): Promise<Identity> {
    const { sub, exp } = await this.verified(token, 'scan');
    return { kind: 'scan', scanId: sub, expiresAt: exp };
  }

  private async user(token: string): Promise<UserIdentity> {
    const { sub, sid, email, company_id: companyId = null, exp } = await this.verified(token, 'access');
    const facts = await this.ask({ user_id: sub, session_id: sid, company_id: companyId });
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

  private async verified<K extends TokenKind>(token: string, kind: K): Promise<ClaimsOf[K]> {
    try {
      return await this.tokens.verify(token, kind);
    } catch (error) {
      if (!(error instanceof TokenRejected)) throw error;
      if (error.reason !== 'expired') throw new DomainError('access_token_invalid', { cause: error });
      throw new DomainError(kind === 'scan' ? 'scan_expired' : 'access_token_expired', { cause: error });
    }
  }

  /** Whatever keeps the facts away, nobody is let in without them. */
  private async ask(subject: CheckAccessDto): Promise<AccessFacts> {
    try {
      return await this.facts(subject);
    } catch (error) {
      throw new DomainError('auth_unavailable', { cause: error });
    }
  }
}

function credentialFor(request: RawRequest, { guard }: Requirement): Credential {
  if (guard === 'public') return 'none';
  if (guard === 'optional' && authorizationValues(request).length === 0) return 'none';
  return guard === 'scan' ? 'scan' : 'access';
}
