/** What tells a kind of signed tokens from the others. */
interface KindRules {
  /** In the header (RFC 8725 3.11). */
  readonly typ: string;
  /** Undefined where each is for somebody else, whom the caller of the verifier names: an event, a service. */
  readonly aud?: string;
  /** Whether `iss` says who signed it. A ticket's key set is its own, and each character counts. */
  readonly hasIssuer: boolean;
  /** For `exp` and `nbf`: the clocks of two machines differ. */
  readonly leewaySeconds: number;
}

/**
 * The kinds of signed tokens, told apart by `typ`, by `aud` and by their keys: each is refused wherever another is
 * expected. The token service signs by this table and every verifier reads it.
 */
export const TOKEN_KINDS = {
  access: { typ: 'at+jwt', aud: 'puerta', hasIssuer: true, leewaySeconds: 5 },
  // No leeway: people see the seconds of a scan count down to nothing.
  scan: { typ: 'scan+jwt', aud: 'card-profile', hasIssuer: true, leewaySeconds: 0 },
  assertion: { typ: 'puerta-assertion+jwt', hasIssuer: true, leewaySeconds: 5 },
  ticket: { typ: 'ticket+jwt', hasIssuer: false, leewaySeconds: 5 },
} as const satisfies Record<string, KindRules>;

export type TokenKind = keyof typeof TOKEN_KINDS;

/** The same table for who reads any row of it. */
export const rulesOf = (kind: TokenKind): KindRules => TOKEN_KINDS[kind];

/** What all but tickets carry. */
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

/** Of an assertion, for a service behind the gateway: the facts of the identity headers; `sub` is the user. */
interface AssertionClaims extends CommonClaims {
  readonly email: string;
  /** Absent where a route admits users without a company. */
  readonly company_id?: string | null;
  /** As they were when it was signed, at most half a minute ago. */
  readonly roles: readonly string[];
}

/** Of a ticket, and no others: every character makes the symbol larger that a door has to read. */
export interface TicketClaims {
  /** The ticket. */
  readonly jti: string;
  /** Whom it admits. */
  readonly sub: string;
  /** The event. */
  readonly aud: string;
  /** When the event has ended. */
  readonly exp: number;
  /** As people read it: «General», «VIP». */
  readonly ticketType: string;
  /** The attendee's full name, which a door compares with who stands before it. */
  readonly userName: string;
}

export interface ClaimsOf {
  readonly access: AccessClaims;
  /** `sub` is the scan. It holds nothing personal. */
  readonly scan: CommonClaims;
  readonly assertion: AssertionClaims;
  readonly ticket: TicketClaims;
}
