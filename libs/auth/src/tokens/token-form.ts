import { SIGNATURE_BYTES } from '../keys/algorithms';
import { TokenRejected } from './token-rejected';

/** The three members that the header of our tokens has, and no others. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string;
  readonly typ: string;
}

/** Ours have about 600 characters; the limit bounds what anybody can make us decode. */
export const MAX_LENGTH = 4096;

/** A token that has the form of ours, its parts decoded. */
export interface TokenForm {
  readonly header: TokenHeader;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

const LENGTHS: readonly number[] = Object.values(SIGNATURE_BYTES);

/**
 * Checks the form of a token before anything is computed with it, so that one token has one spelling and nothing in the
 * header (`jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64` …) can choose how it is verified.
 *
 * @throws TokenRejected `form` or `header`
 */
export function readForm(token: string): TokenForm {
  if (token.length > MAX_LENGTH) throw new TokenRejected('form');
  const [header, payload, signature, ...more] = token.split('.', 4).map(decode);
  if (!header || !payload || !signature || more.length > 0) throw new TokenRejected('form');
  if (!LENGTHS.includes(signature.length)) throw new TokenRejected('form');
  return { header: readHeader(header.toString('latin1')), payload, signature };
}

/** Decodes canonical base64url alone: padding, white space, other alphabets and orphan last bits do not encode back. */
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.length === 0 || bytes.toString('base64url') !== part) throw new TokenRejected('form');
  return bytes;
}

export const WORD = /^[A-Za-z0-9_+-]{1,64}$/;

function readHeader(text: string): TokenHeader {
  const header = parse(text);
  const { alg, kid, typ, ...others } = header;
  const words = [alg, kid, typ].every((value) => typeof value === 'string' && WORD.test(value));
  if (!words || Object.keys(others).length > 0) throw new TokenRejected('header');
  // Written again it must be the same text: no duplicate member, escape or white space that another parser reads otherwise.
  if (JSON.stringify(header) !== text) throw new TokenRejected('header');
  return header as unknown as TokenHeader;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Refused below like any other text that is no object.
  }
  throw new TokenRejected('header');
}
