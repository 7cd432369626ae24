import { createHash } from 'node:crypto';
import type { Limit } from '../routes/route-options';
import { networkOf } from './network';

/** A rate limit and whom it counts for. */
export interface Claim {
  readonly limit: Limit;
  /** Begins with the name of the limit. It may be somebody's e-mail or address, so it stays in this process. */
  readonly subject: string;
}

/** Sign-ins are dear: argon2id takes a core and 19 MiB for each, and each is a guess at a password. */
export const LOGIN_BY_ADDRESS: Limit = { name: 'login-address', count: 30, seconds: 60 };
/** Wrong passwords for one e-mail from one address. Alone it never spends the limit of the e-mail. */
export const LOGIN_BY_PAIR: Limit = { name: 'login-pair', count: 10, seconds: 900 };
/** Wrong passwords for one e-mail from all addresses together: 120 in the first hour, 60 in each later one. */
export const LOGIN_BY_EMAIL: Limit = { name: 'login-email', count: 60, seconds: 3_600 };
/** Wrong passwords for one e-mail on a device that has had a session of that account, which the two above do not count. */
export const LOGIN_BY_DEVICE: Limit = { name: 'login-device', count: 10, seconds: 900 };
/** A class of students may register behind one address. */
export const REGISTER_BY_ADDRESS: Limit = { name: 'register-address', count: 60, seconds: 3_600 };
/**
 * Codes from one address that opened nothing: a guess each, or a card that is dead. A guard at a door where nobody's card
 * is live any more meets fewer. What opens a card is given back, so a door that admits people is never limited.
 */
export const SCAN_MISSES: Limit = { name: 'scan-misses', count: 60, seconds: 300 };

export function claimOfAddress(limit: Limit, address: string): Claim {
  return claim(limit, networkOf(address));
}

/** @param subject what is counted for */
export function claim(limit: Limit, ...subject: readonly string[]): Claim {
  return { limit, subject: `${limit.name}\0${subject.join('\0')}` };
}

/**
 * What a claim is called in Redis. Only a hash reaches it: an e-mail that somebody tried to sign in with is nobody else's
 * business.
 */
export function keyOf({ subject }: Claim): string {
  return createHash('sha256').update(subject).digest('base64url').slice(0, 22);
}
