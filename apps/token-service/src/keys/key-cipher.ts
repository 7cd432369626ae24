import type { Keyring } from '@puerta/config';
import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Why a sealed key cannot be opened. The message names ids, never keys. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/**
 * Private keys at rest: AES-256-GCM, as `<id of the encryption key>.<nonce>.<ciphertext and tag>`. The kid is associated
 * data: the private key of one row does not open in another.
 */
export class KeyCipher {
  constructor(private readonly keys: Keyring) {}

  /** Of the encryption key that seals. */
  get id(): string {
    return this.keys.current.id;
  }

  seal(kid: string, privateKey: KeyObject): string {
    const { id, key } = this.keys.current;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(kid));
    const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
    const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    plain.fill(0);
    return [id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
  }

  /** Whether a sealed key is one of ours, unchanged. */
  opens(kid: string, text: string): boolean {
    try {
      this.open(kid, text);
      return true;
    } catch {
      return false;
    }
  }

  /** @throws SealError when the encryption key is not there or is another one, or when the text was changed */
  open(kid: string, text: string): KeyObject {
    const [id = '', nonce = '', sealed = ''] = text.split('.');
    const key = this.keys.get(id);
    if (!key) throw new SealError(`has no key "${id}", with which the signing key ${kid} was encrypted`);
    const plain = decrypt(key, Buffer.from(nonce, 'base64url'), Buffer.from(sealed, 'base64url'), kid);
    if (!plain)
      throw new SealError(`has another key "${id}" than the one with which the signing key ${kid} was encrypted`);
    const privateKey = createPrivateKey({ key: plain, type: 'pkcs8', format: 'der' });
    plain.fill(0);
    return privateKey;
  }
}

function decrypt(key: KeyObject, nonce: Buffer, sealed: Buffer, kid: string): Buffer | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(kid))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
