import { JsonWebTokenError, NotBeforeError, TokenExpiredError, verify } from 'jsonwebtoken';
import type { KeyStore } from '../keys/key-store';
import type { VerificationKey } from '../keys/verification-key';
import { requireClaims } from './token-claims';
import { readForm } from './token-form';
import { type ClaimsOf, TOKEN_KINDS, type TokenKind } from './token-kinds';
import { type RejectionReason, TokenRejected } from './token-rejected';

/**
 * The one verifier of Puerta's signed tokens.
 *
 * An ECDSA signature (r, s) has a twin (r, n − s) that verifies as well and cannot be told from it, so one token has two
 * spellings: nothing may take the text of a token for its identity; `jti` is.
 */
export class TokenVerifier {
  /** @param issuer the exact `iss` of our token service */
  constructor(
    private readonly keys: Pick<KeyStore, 'find'>,
    private readonly issuer: string,
  ) {}

  /**
   * Form, header, key, algorithm and type first, then the signature, then times, issuer, audience and claims.
   *
   * @returns the claims, all of them checked
   * @throws TokenRejected when the token is not good
   * @throws DomainError `auth_unavailable` when the keys cannot be had
   */
  async verify<K extends TokenKind>(token: string, kind: K): Promise<ClaimsOf[K]> {
    const header = readForm(token);
    if (header.typ !== TOKEN_KINDS[kind].typ) throw new TokenRejected('type');
    const key = await this.keys.find(header.kid);
    if (!key) throw new TokenRejected('unknown_key');
    if (header.alg !== key.alg) throw new TokenRejected('algorithm');
    return requireClaims(kind, this.open(token, key, kind));
  }

  /**
   * jsonwebtoken verifies on this thread: 56 µs for a token, of which 48 are OpenSSL's. WebCrypto (jose) takes 107 µs a
   * token, and more CPU time at any concurrency, for its way through the thread pool.
   */
  private open(token: string, { key, alg }: VerificationKey, kind: TokenKind): object {
    const { aud: audience, leewaySeconds: clockTolerance } = TOKEN_KINDS[kind];
    const claims = refusing(() => verify(token, key, { algorithms: [alg], issuer: this.issuer, audience, clockTolerance }));
    // The library also takes a list of audiences that has ours in it.
    if (typeof claims === 'string' || claims.aud !== audience) throw new TokenRejected('audience');
    return claims;
  }
}

function refusing<T>(verification: () => T): T {
  try {
    return verification();
  } catch (error) {
    throw new TokenRejected(reasonOf(error));
  }
}

/** jsonwebtoken tells its refusals apart by message alone. Only `expired` matters to anybody but a log's reader. */
function reasonOf(error: unknown): RejectionReason {
  if (error instanceof TokenExpiredError) return 'expired';
  if (error instanceof NotBeforeError) return 'not_yet_valid';
  if (error instanceof JsonWebTokenError && error.message.startsWith('jwt issuer')) return 'issuer';
  if (error instanceof JsonWebTokenError && error.message.startsWith('jwt audience')) return 'audience';
  return error instanceof JsonWebTokenError && error.message.startsWith('invalid signature') ? 'signature' : 'claims';
}
