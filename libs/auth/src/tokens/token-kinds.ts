/**
 * The kinds of signed tokens, told apart by `typ` (RFC 8725 3.11) and `aud`: each is refused wherever another is
 * expected. The token service signs by this table and every verifier reads it. `exp` and `nbf` are read with the leeway,
 * because the clocks of two machines differ.
 */
export const TOKEN_KINDS = {
  access: { typ: 'at+jwt', aud: 'puerta', leewaySeconds: 5 },
  // None: people see the seconds of a scan count down to nothing.
  scan: { typ: 'scan+jwt', aud: 'card-profile', leewaySeconds: 0 },
} as const;

export type TokenKind = keyof typeof TOKEN_KINDS;

/** What every kind carries. */
interface CommonClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

/** Of an access token; `sub` is the user. */
export interface AccessClaims extends CommonClaims {
  readonly email: string;
  /** The session (token family) it was issued for. */
  readonly sid: string;
  /** Absent before a company is chosen. */
  readonly company_id?: string | null;
  /** What the user was when the token was signed. Whoever decides reads the membership afresh. */
  readonly roles: readonly string[];
}

/** Of a scan pass; `sub` is the scan. It holds nothing personal. */
export type ScanClaims = CommonClaims;

export interface ClaimsOf {
  readonly access: AccessClaims;
  readonly scan: ScanClaims;
}
