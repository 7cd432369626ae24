import { randomBytes } from 'node:crypto';
import { KeyStore } from '../src/keys/key-store';
import { type RejectionReason, TokenRejected } from '../src/tokens/token-rejected';
import { TokenVerifier } from '../src/tokens/token-verifier';
import { EVENT, ISSUER, TestKey, TestSecret, UPSTREAM } from './tokens';

export const key = new TestKey('k1');
export const ticketKey = new TestKey('t-1_');
export const assertionKey = new TestKey('a1');
export const secret = new TestSecret(randomBytes(32).toString('base64'));

export const keys = new KeyStore(() => Promise.resolve(key.set));
export const ticketKeys = new KeyStore(() => Promise.resolve(ticketKey.set));

export const assertionKeys = new KeyStore(() => Promise.resolve(assertionKey.set));

const verifier = new TokenVerifier({ access: keys, scan: keys, assertion: assertionKeys, ticket: ticketKeys }, ISSUER);
const sharing = new TokenVerifier({ access: secret.shared }, ISSUER);

/** Every verifier that Puerta has: those of its kinds of tokens, and that of access tokens where a secret is shared. */
export const verifiers = {
  'access, ES256': (token: string) => verifier.verify(token, 'access'),
  'access, HS256': (token: string) => sharing.verify(token, 'access'),
  scan: (token: string) => verifier.verify(token, 'scan'),
  assertion: (token: string) => verifier.verify(token, 'assertion', UPSTREAM),
  ticket: (token: string) => verifier.verify(token, 'ticket', EVENT),
};

export type VerifierName = keyof typeof verifiers;

/** What each verifier takes. */
export const makers: Readonly<Record<VerifierName, () => string>> = {
  'access, ES256': () => key.access(),
  'access, HS256': () => secret.access(),
  scan: () => key.scan(),
  assertion: () => assertionKey.assertion(),
  ticket: () => ticketKey.ticket(),
};

/** Signs anything as that kind is signed. */
export const signers: Readonly<Record<VerifierName, (header: unknown, payload: unknown) => string>> = {
  'access, ES256': (header, payload) => key.sign(header, payload),
  'access, HS256': (header, payload) => secret.sign(header, payload),
  scan: (header, payload) => key.sign(header, payload),
  assertion: (header, payload) => assertionKey.sign(header, payload),
  ticket: (header, payload) => ticketKey.sign(header, payload),
};

export const names = Object.keys(verifiers) as VerifierName[];

export async function verdict(name: VerifierName, token: string): Promise<RejectionReason | 'accepted'> {
  try {
    await verifiers[name](token);
    return 'accepted';
  } catch (error) {
    if (error instanceof TokenRejected) return error.reason;
    throw error;
  }
}

/** The verifiers that take this text. */
export async function takers(token: string): Promise<VerifierName[]> {
  const verdicts = await Promise.all(names.map((name) => verdict(name, token)));
  return names.filter((_, index) => verdicts[index] === 'accepted');
}
