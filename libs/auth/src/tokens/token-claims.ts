import { SHORT_ID, UUID } from '@puerta/contracts/core';
import { TokenRejected } from './token-rejected';
import type { ClaimsOf, TokenKind } from './token-kinds';

type Test = (value: unknown) => boolean;

const isUuid: Test = (value) => typeof value === 'string' && UUID.test(value);
const isShortId: Test = (value) => typeof value === 'string' && SHORT_ID.test(value);
/** JSON can say 1e999, which is Infinity: a token that never expires. */
const isTime: Test = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isTextOf =
  (longest: number): Test =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= longest;
const isRoles: Test = (value) => Array.isArray(value) && value.every((role) => typeof role === 'string');

const common: Record<string, Test> = { sub: isUuid, jti: isUuid, iat: isTime, exp: isTime };
const person: Record<string, Test> = {
  ...common,
  email: isTextOf(320),
  company_id: (value) => value === undefined || value === null || isUuid(value),
  roles: isRoles,
};

const tests: { readonly [K in TokenKind]: Readonly<Record<string, Test>> } = {
  access: { ...person, sid: isUuid },
  scan: common,
  assertion: person,
  ticket: {
    jti: isShortId,
    // A user, or an attendee who has no account.
    sub: (value) => isUuid(value) || isShortId(value),
    aud: isShortId,
    exp: isTime,
    ticketType: isTextOf(240),
    userName: isTextOf(240),
  },
};

/** What is wrong with a claim: a ticket has no others than its own. */
export type ClaimProblem = readonly [name: string, problem: 'missing' | 'wrong' | 'unexpected'];

export function claimProblems(kind: TokenKind, claims: object): ClaimProblem[] {
  const known = tests[kind];
  const problems = Object.entries(known).flatMap(([name, test]): ClaimProblem[] => {
    const value = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined;
    return test(value) ? [] : [[name, value === undefined ? 'missing' : 'wrong']];
  });
  const others = kind === 'ticket' ? Object.keys(claims).filter((name) => !Object.hasOwn(known, name)) : [];
  return [...problems, ...others.map((name): ClaimProblem => [name, 'unexpected'])];
}

/**
 * @param claims of a token whose signature is good
 * @throws TokenRejected `claims` when one that the kind requires is missing or of another type
 */
export function requireClaims<K extends TokenKind>(kind: K, claims: object): ClaimsOf[K] {
  if (claimProblems(kind, claims).length > 0) throw new TokenRejected('claims');
  return claims as ClaimsOf[K];
}
