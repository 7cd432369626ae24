import { TokenRejected } from './token-rejected';
import type { ClaimsOf, TokenKind } from './token-kinds';

type Test = (value: unknown) => boolean;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const isUuid: Test = (value) => typeof value === 'string' && UUID.test(value);
/** JSON can say 1e999, which is Infinity: a token that never expires. */
const isTime: Test = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isEmail: Test = (value) => typeof value === 'string' && value.length > 0 && value.length <= 320;
const isRoles: Test = (value) => Array.isArray(value) && value.every((role) => typeof role === 'string');

const common: Record<string, Test> = { sub: isUuid, jti: isUuid, iat: isTime, exp: isTime };

const tests: { readonly [K in TokenKind]: Readonly<Record<string, Test>> } = {
  access: {
    ...common,
    email: isEmail,
    sid: isUuid,
    company_id: (value) => value === undefined || value === null || isUuid(value),
    roles: isRoles,
  },
  scan: common,
};

/**
 * @param claims of a token whose signature is good
 * @throws TokenRejected `claims` when one that the kind requires is missing or of another type
 */
export function requireClaims<K extends TokenKind>(kind: K, claims: object): ClaimsOf[K] {
  for (const [name, test] of Object.entries(tests[kind])) {
    const value = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined;
    if (!test(value)) throw new TokenRejected('claims');
  }
  return claims as ClaimsOf[K];
}
