import type { KeySet } from '@puerta/contracts';
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Algorithm } from './algorithms';

/** A key, and the one algorithm that signatures by it have: a public key is never the secret of an HMAC. */
export interface VerificationKey {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly key: KeyObject;
}

/** Where the keys of a kind of tokens are found. */
export interface KeySource {
  /**
   * @returns the key, or undefined when there is none of that kid
   * @throws DomainError `auth_unavailable` when that cannot be known now
   */
  find(kid: string): Promise<VerificationKey | undefined>;
}

/** How many keys of one use are published at most: it bounds what a wrong answer can make us import. */
export const MOST_KEYS = 50;

/**
 * The keys of a set that we can verify with, as KeyObjects: parsing PEM or JWK for each token costs more than the
 * verification itself. Others are passed over (RFC 7517 5), so that a newer token service may publish more.
 */
export function readKeySet(set: KeySet): ReadonlyMap<string, VerificationKey> {
  const keys = new Map<string, VerificationKey>();
  for (const jwk of set.keys.slice(0, MOST_KEYS)) {
    if (jwk.kty !== 'EC' || jwk.crv !== 'P-256' || jwk.alg !== 'ES256' || jwk.use !== 'sig') continue;
    const { kty, crv, x, y } = jwk;
    keys.set(jwk.kid, { kid: jwk.kid, alg: 'ES256', key: createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }) });
  }
  return keys;
}
