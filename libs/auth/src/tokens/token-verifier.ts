import { JsonWebTokenError, NotBeforeError, TokenExpiredError, verify } from 'jsonwebtoken';
import { SIGNATURE_BYTES } from '../keys/algorithms';
import type { KeySource, VerificationKey } from '../keys/verification-key';
import { requireClaims } from './token-claims';
import { readForm } from './token-form';
import { type ClaimsOf, rulesOf, type TokenKind } from './token-kinds';
import { type RejectionReason, TokenRejected } from './token-rejected';

/** A ticket is for one event, and an assertion for one service: who verifies it says for which. */
export type Expected<K extends TokenKind> = K extends 'ticket' | 'assertion' ? [audience: string] : [];

/**
 * The one verifier of Puerta's signed tokens, of the kinds that it is given keys for.
 *
 * An ECDSA signature (r, s) has a twin (r, n − s) that verifies as well and cannot be told from it, so one token has two
 * spellings: nothing may take the text of a token for its identity; `jti` is.
 */
export class TokenVerifier<Kind extends TokenKind> {
  /**
   * @param keys of each kind; no kind is ever verified with the keys of another
   * @param issuer the exact `iss` of our token service
   */
  constructor(
    private readonly keys: Readonly<Record<Kind, KeySource>>,
    private readonly issuer: string,
  ) {}

  /**
   * Form, header, key, algorithm and type first, then the signature, then times, issuer, audience and claims.
   *
   * @param expected of a ticket the event that it must be for, of an assertion the service
   * @returns the claims, all of them checked
   * @throws TokenRejected when the token is not good
   * @throws DomainError `auth_unavailable` when the keys cannot be had
   */
  async verify<K extends Kind>(token: string, kind: K, ...expected: Expected<K>): Promise<ClaimsOf[K]> {
    const { header, signature } = readForm(token);
    if (header.typ !== rulesOf(kind).typ) throw new TokenRejected('type');
    const key = await this.keys[kind].find(header.kid);
    if (!key) throw new TokenRejected('unknown_key');
    if (header.alg !== key.alg) throw new TokenRejected('algorithm');
    if (signature.length !== SIGNATURE_BYTES[key.alg]) throw new TokenRejected('form');
    return requireClaims(kind, this.open(token, key, kind, expected[0]));
  }

  /**
   * jsonwebtoken verifies on this thread: 56 µs for a token, of which 48 are OpenSSL's. WebCrypto (jose) takes 107 µs a
   * token, and more CPU time at any concurrency, for its way through the thread pool.
   */
  private open(token: string, { key, alg }: VerificationKey, kind: TokenKind, expected: string | undefined): object {
    const { aud, hasIssuer, leewaySeconds: clockTolerance } = rulesOf(kind);
    const audience = aud ?? expected;
    // To the library nothing to compare with means not to compare.
    if (!audience) throw new TypeError(`a ${kind} is verified for somebody`);
    const ours = hasIssuer ? { issuer: this.issuer } : {};
    const claims = refusing(() => verify(token, key, { algorithms: [alg], ...ours, audience, clockTolerance }));
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
