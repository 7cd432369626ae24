import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/**
 * A key pair of an elliptic curve. Encoded and read again: a KeyObject as Node 20 generates it shares a lock with the job
 * that made it, and when that is collected as garbage while the key is exported, the process waits for itself for ever.
 */
export function newKeyPair(namedCurve = 'P-256'): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const pair = generateKeyPairSync('ec', {
    namedCurve,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { privateKey: createPrivateKey(pair.privateKey), publicKey: createPublicKey(pair.publicKey) };
}
