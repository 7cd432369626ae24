import type { KeyObject } from 'node:crypto';
import { makeSecret } from '../identity-keys';

/**
 * The refresh tokens of a session are a chain: the first is made of the session's id and salt, each next one of the one
 * before. So an answer that got lost can be given again although the database holds hashes alone, and nobody without
 * the key can go along the chain in either direction.
 */
export class RefreshTokens {
  constructor(private readonly key: KeyObject) {}

  /** The parts have fixed lengths, other than a token's, so that no other input to the key reads the same. */
  first(sessionId: string, salt: Buffer): string {
    return makeSecret(this.key, 'first', sessionId, salt);
  }

  next(token: string): string {
    return makeSecret(this.key, token);
  }
}
