import { createHash } from 'node:crypto';
import type { Limit } from '../routes/route-options';
import { networkOf } from './network';

/** A rate limit and whom it counts for. */
export interface Claim {
  readonly limit: Limit;
  readonly key: string;
}

/** Sign-ins are dear: argon2id takes a core and 19 MiB for each, and each is a guess at a password. */
export const LOGIN_BY_ADDRESS: Limit = { name: 'login-address', count: 30, seconds: 60 };
export const LOGIN_BY_EMAIL: Limit = { name: 'login-email', count: 10, seconds: 300 };
/** A class of students may register behind one address. */
export const REGISTER_BY_ADDRESS: Limit = { name: 'register-address', count: 60, seconds: 3_600 };

export function claimOfAddress(limit: Limit, address: string): Claim {
  return claim(limit, networkOf(address));
}

/**
 * @param subject what is counted for. Only a hash of it reaches Redis: an e-mail that somebody tried to sign in with
 * is nobody else's business.
 */
export function claim(limit: Limit, subject: string): Claim {
  return { limit, key: createHash('sha256').update(`${limit.name}\0${subject}`).digest('base64url').slice(0, 22) };
}
