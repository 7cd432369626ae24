import { verify } from 'jsonwebtoken';
import { SIGNATURE_BYTES } from '../keys/algorithms';
import type { KeySource, VerificationKey } from '../keys/verification-key';
import { claimProblems } from './token-claims';
import { MAX_LENGTH, readForm, WORD } from './token-form';
import { rulesOf, type TokenKind } from './token-kinds';
import { type RejectionReason, TokenRejected } from './token-rejected';

/** Something that a verifier refuses a token for, in words. They repeat `typ`, `kid` and the like, and no signature. */
export interface Finding {
  readonly reason: RejectionReason;
  readonly detail: string;
}

export interface Inspection {
  /** Everything that the verifier of this kind would refuse it for, not only the first. */
  readonly findings: readonly Finding[];
  /** What could not be compared, because nobody said with what. */
  readonly unchecked: readonly ('signature' | 'issuer' | 'audience')[];
}

export interface InspectionOptions {
  /** The keys of the kind. */
  readonly keys?: KeySource | undefined;
  readonly issuer?: string | undefined;
  /** The event that a ticket must be for, or the service of an assertion. */
  readonly audience?: string | undefined;
}

export type Members = Readonly<Record<string, unknown>>;

/** What a token says, for showing it: nothing of it is to be believed. */
export interface Decoded {
  readonly header: Members | undefined;
  readonly claims: Members | undefined;
}

/** Reads what looks like a signed token, however badly it is written. */
export function decodeToken(token: string): Decoded {
  const [header = '', claims = ''] = token.split('.');
  return { header: objectIn(header), claims: objectIn(claims) };
}

/**
 * Why the verifier of this kind refuses a token: what it would say first, and everything else that is wrong. For people
 * who want to know; whoever lets in asks `TokenVerifier`.
 *
 * @throws DomainError `auth_unavailable` when the keys cannot be had
 */
export async function inspectToken(
  token: string,
  kind: TokenKind,
  { keys, issuer, audience: expected }: InspectionOptions,
): Promise<Inspection> {
  const rules = rulesOf(kind);
  const { header, claims } = decodeToken(token);
  const form = formFindings(token);
  const audience = rules.aud ?? expected;
  const key = typeof header?.['kid'] === 'string' ? await keys?.find(header['kid']) : undefined;
  const findings = [
    ...form,
    ...headerFindings(token, header),
    ...(header ? typeFindings(header, rules.typ) : []),
    ...(header && keys ? keyFindings(header, key) : []),
    ...(key && header?.['alg'] === key.alg && form.length === 0 ? signatureFindings(token, key) : []),
    ...(claims
      ? claimFindings(kind, claims, rules.leewaySeconds)
      : [finding('claims', 'the payload is no JSON object')]),
    ...(!rules.hasIssuer || issuer === undefined ? [] : differs('issuer', 'iss', claims, issuer)),
    ...(audience === undefined ? [] : differs('audience', 'aud', claims, audience)),
  ];
  return {
    findings,
    unchecked: [
      ...(keys === undefined || (key && form.length > 0) ? (['signature'] as const) : []),
      ...(rules.hasIssuer && issuer === undefined ? (['issuer'] as const) : []),
      ...(audience === undefined ? (['audience'] as const) : []),
    ],
  };
}

const finding = (reason: RejectionReason, detail: string): Finding => ({ reason, detail });

function objectIn(part: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
}

function formFindings(token: string): Finding[] {
  const parts = token.split('.');
  const found = parts.slice(0, 3).flatMap((part, index) => {
    const name = ['the header', 'the payload', 'the signature'][index];
    if (part === '') return [finding('form', `${name} is empty`)];
    const isCanonical = Buffer.from(part, 'base64url').toString('base64url') === part;
    return isCanonical ? [] : [finding('form', `${name} is not in canonical base64url: ${spelling(part)}`)];
  });
  if (parts.length !== 3) found.unshift(finding('form', `it has ${parts.length} parts instead of 3`));
  if (token.length > MAX_LENGTH)
    found.unshift(finding('form', `it has ${token.length} characters, ${MAX_LENGTH} at most`));
  return found.length === 0 && refusalOf(token) === 'form' ? [finding('form', lengthOf(token))] : found;
}

/** What the verifier says of the form, before it looks for a key. */
function refusalOf(token: string): RejectionReason | undefined {
  try {
    readForm(token);
    return undefined;
  } catch (error) {
    if (error instanceof TokenRejected) return error.reason;
    throw error;
  }
}

function spelling(part: string): string {
  if (/\s/.test(part)) return 'there is white space in it';
  if (part.endsWith('=')) return 'it is padded';
  if (/[+/]/.test(part)) return 'it is in the plain base64 alphabet';
  return /^[A-Za-z0-9_-]+$/.test(part) ? 'its last character has orphan bits' : 'it has other characters';
}

function lengthOf(token: string): string {
  const { length } = Buffer.from(token.split('.')[2] ?? '', 'base64url');
  const lengths = Object.entries(SIGNATURE_BYTES).map(([alg, bytes]) => `${bytes} (${alg})`);
  return `the signature has ${length} bytes instead of ${lengths.join(' or ')}`;
}

function headerFindings(token: string, header: Members = {}): Finding[] {
  const names = ['alg', 'kid', 'typ'];
  const wrong = names.filter((name) => typeof header[name] !== 'string' || !WORD.test(header[name]));
  const others = Object.keys(header).filter((name) => !names.includes(name));
  const found = [
    ...wrong.map((name) => finding('header', `${name} is missing or no word`)),
    ...(others.length > 0 ? [finding('header', `it has other members: ${others.map(show).join(', ')}`)] : []),
  ];
  if (found.length > 0 || refusalOf(token) !== 'header') return found;
  return [
    finding('header', 'the header is not exactly the JSON of alg, kid and typ: white space, escapes, a member twice'),
  ];
}

function typeFindings({ typ }: Members, expected: string): Finding[] {
  return typ === expected ? [] : [finding('type', `typ is ${show(typ)} instead of ${expected}`)];
}

function keyFindings({ kid, alg }: Members, key: VerificationKey | undefined): Finding[] {
  if (!key)
    return [finding('unknown_key', `there is no key ${show(kid)} for this kind: another installation's, or withdrawn`)];
  return alg === key.alg ? [] : [finding('algorithm', `alg is ${show(alg)}, and the key is for ${key.alg}`)];
}

function signatureFindings(token: string, { key, alg }: VerificationKey): Finding[] {
  const { length } = Buffer.from(token.split('.')[2] ?? '', 'base64url');
  const expected = SIGNATURE_BYTES[alg];
  if (length !== expected)
    return [finding('form', `the signature has ${length} bytes instead of ${expected} (${alg})`)];
  try {
    verify(token, key, { algorithms: [alg], ignoreExpiration: true, ignoreNotBefore: true });
    return [];
  } catch {
    return [finding('signature', 'it is not the signature of this header and this payload by that key')];
  }
}

const PROBLEMS = { missing: 'missing', wrong: 'not what it has to be', unexpected: 'no claim of this kind' } as const;

function claimFindings(kind: TokenKind, claims: Members, leewaySeconds: number): Finding[] {
  const now = Math.floor(Date.now() / 1_000);
  const { exp, nbf } = claims;
  const wrong = claimProblems(kind, claims).map(([name, problem]) =>
    finding('claims', `${show(name)} is ${PROBLEMS[problem]}`),
  );
  if (nbf !== undefined && typeof nbf !== 'number') wrong.push(finding('claims', 'nbf is no number'));
  if (typeof nbf === 'number' && nbf > now + leewaySeconds)
    wrong.push(finding('not_yet_valid', `it is good from ${at(nbf)} on`));
  if (typeof exp === 'number' && now >= exp + leewaySeconds)
    wrong.push(finding('expired', `it was good until ${at(exp)}`));
  return wrong;
}

function differs(reason: RejectionReason, name: string, claims: Members | undefined, expected: string): Finding[] {
  const value = claims?.[name];
  return value === expected ? [] : [finding(reason, `${name} is ${show(value)} instead of ${expected}`)];
}

function at(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? 'no time that there is' : date.toISOString().replace('.000', '');
}

/** Words of a token that it is worth to see. What is long is no word. */
function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = typeof value === 'string' ? value : `no text but ${Array.isArray(value) ? 'a list' : typeof value}`;
  return text.length <= 64 ? text : `a text of ${text.length} characters`;
}
