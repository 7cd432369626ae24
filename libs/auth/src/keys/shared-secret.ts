import { createHmac, type KeyObject } from 'node:crypto';
import type { KeySource, VerificationKey } from './verification-key';

/**
 * The secret of HS256 as the one key of access tokens, for who signs and for who verifies. Its kid is made from it one
 * way, so that all who share the secret have the same and a token of the secret before is told by its kid. Being an HMAC
 * of a text without a dot, it is the signature of no token.
 */
export class SharedSecret implements KeySource {
  readonly key: VerificationKey;

  constructor(secret: KeyObject) {
    const kid = createHmac('sha256', secret).update('puerta-access-token-kid').digest('base64url');
    this.key = { kid, alg: 'HS256', key: secret };
  }

  async find(kid: string): Promise<VerificationKey | undefined> {
    return kid === this.key.kid ? this.key : undefined;
  }
}
