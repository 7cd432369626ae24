import type { PublicKey } from '@puerta/contracts';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** An ES256 key that signs (RFC 7518 3.4). */
export interface KeyPair {
  readonly kid: string;
  /** A KeyObject: it shows nothing when it is logged, and signing does not parse it again. */
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicKey;
}

export function generateKeyPair(): KeyPair {
  return keyPairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

/** Everything follows from the private key, so that nothing public about it has to be believed. */
export function keyPairOf(privateKey: KeyObject): KeyPair {
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) throw new TypeError('not a P-256 key');
  const kid = thumbprint({ crv, kty, x, y });
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, use: 'sig', alg: 'ES256' } };
}

/** RFC 7638 3: the members a key needs, in this order, without white space. */
function thumbprint({ crv, kty, x, y }: Pick<PublicKey, 'crv' | 'kty' | 'x' | 'y'>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
