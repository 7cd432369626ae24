import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { deriveKey } from '@puerta/config';

/** The keys of this service, each derived for one use: what one makes is worthless where another is expected. */
export class IdentityKeys {
  readonly refreshTokens: KeyObject;
  readonly invitations: KeyObject;
  readonly fingerprints: KeyObject;
  readonly devices: KeyObject;

  /** @param secret IDENTITY_SECRET. With another one sessions go on, but what was answered before cannot be answered again. */
  constructor(secret: KeyObject) {
    this.refreshTokens = deriveKey(secret, 'puerta identity refresh tokens 1');
    this.invitations = deriveKey(secret, 'puerta identity invitations 1');
    this.fingerprints = deriveKey(secret, 'puerta identity fingerprints 1');
    this.devices = deriveKey(secret, 'puerta identity devices 1');
  }
}

/** HMAC-SHA256 of the parts in a row as 43 characters of base64url: 256 bits that only the key's holder can make. */
export function makeSecret(key: KeyObject, ...parts: readonly (string | Buffer)[]): string {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest('base64url');
}

/** What the database keeps of a secret. A plain hash is enough: nobody searches 256 random bits. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
