import type { KeyUse, PublicKey } from '@puerta/contracts';
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** An ES256 key that signs (RFC 7518 3.4). */
export interface KeyPair {
  readonly kid: string;
  /** A KeyObject: it shows nothing when it is logged, and signing does not parse it again. */
  readonly privateKey: KeyObject;
  readonly publicJwk: PublicKey;
}

/** Three random bytes, for a kid that costs a printed QR symbol little. Of what is published each is the only one. */
const TICKET_KID = /^[\w-]{4}$/;

/** Of a key's thumbprint. They differ, so that a row whose use was altered names another key than the one in it. */
const KID_LENGTHS = { access: 43, assertion: 22 } as const;

export function generateKeyPair(use: KeyUse): KeyPair {
  for (;;) {
    const pair = keyPairOf(use, newPrivateKey(), randomBytes(3).toString('base64url'));
    // What begins with a dash is an option on a command line.
    if (!pair.kid.startsWith('-')) return pair;
  }
}

/**
 * Encoded and read again: a KeyObject as Node 20 generates it shares a lock with the job that made it, and when that is
 * collected as garbage while the key is exported, the process waits for itself for ever.
 */
function newPrivateKey(): KeyObject {
  const { privateKey: key } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const privateKey = createPrivateKey({ key, type: 'pkcs8', format: 'der' });
  key.fill(0);
  return privateKey;
}

/**
 * Everything but the name of a ticket's key follows from the private key and its use, so that nothing public has to be
 * believed.
 *
 * @param ticketKid of a key for tickets
 */
export function keyPairOf(use: KeyUse, privateKey: KeyObject, ticketKid: string): KeyPair {
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) throw new TypeError('not a P-256 key');
  if (use === 'ticket' && !TICKET_KID.test(ticketKid)) throw new TypeError('not the kid of a key for tickets');
  const kid = use === 'ticket' ? ticketKid : thumbprint({ crv, kty, x, y }).slice(0, KID_LENGTHS[use]);
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, use: 'sig', alg: 'ES256' } };
}

/** RFC 7638 3: the members a key needs, in this order, without white space. */
function thumbprint({ crv, kty, x, y }: Pick<PublicKey, 'crv' | 'kty' | 'x' | 'y'>): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
