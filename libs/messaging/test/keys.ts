import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { Sealer } from '../src';

/** A new key. */
export function newKey(): KeyObject {
  return createSecretKey(randomBytes(32));
}

/** A sealer under the key of a name space, which all processes of a test know. */
export function sealerFor(prefix: string): Sealer {
  return sealerOf({ k1: createSecretKey(createHash('sha256').update(prefix).digest()) });
}

/** A sealer with these keys; the first seals. */
export function sealerOf(keys: Readonly<Record<string, KeyObject>>): Sealer {
  const [[id, key]] = Object.entries(keys) as [[string, KeyObject]];
  return new Sealer({ current: { id, key }, get: (name) => keys[name] });
}
