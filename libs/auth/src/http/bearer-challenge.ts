import { type ErrorCode, kindOf } from '@puerta/contracts';

/** These refuse a token that was sent; the other 401s ask for one, or refuse something else. */
const INVALID_TOKEN: readonly ErrorCode[] = [
  'access_token_invalid',
  'access_token_expired',
  'session_revoked',
  'scan_expired',
];

/** The `WWW-Authenticate` header that a 401 must have (RFC 9110 15.5.2, RFC 6750 3); undefined for other kinds of errors. */
export function bearerChallenge(code: ErrorCode): string | undefined {
  if (kindOf(code) !== 'unauthenticated') return undefined;
  return INVALID_TOKEN.includes(code) ? 'Bearer realm="puerta", error="invalid_token"' : 'Bearer realm="puerta"';
}
