import { randomBytes } from 'node:crypto';
import {
  DomainError,
  EnsureCompanyDto,
  LogoutDto,
  OpenScanDto,
  PresentTokenDto,
  RefreshDto,
  RegisterDto,
} from '../index';
import { validateDto } from './validate';

const person = { name: 'Ana', email: 'ana@example.com', password: 'correct horse battery staple' };

/** Where a secret of ours is presented: how many bytes it stands for, and what arrives of it at whoever looks it up. */
const places: Readonly<Record<string, [bytes: number, arrives: (secret: string) => unknown]>> = {
  'a refresh token': [32, (text) => validateDto(RefreshDto, { refresh_token: text }).refresh_token],
  'a refresh token at logout': [32, (text) => validateDto(LogoutDto, { refresh_token: text }).refresh_token],
  'an invitation at registration': [32, (text) => validateDto(RegisterDto, { ...person, invitation: text }).invitation],
  'an invitation': [32, (text) => validateDto(EnsureCompanyDto, { invitation: text }).invitation],
  'the code of a card': [16, (text) => validateDto(OpenScanDto, { code: text }).code],
  'a single-use token': [54, (text) => validateDto(PresentTokenDto, { token: text }).token],
};

const SPACES = [' ', '\n', '\r\n', '\t', '\0', '\u00a0', '\u200b', '\u2028', '\u3000', '\ufeff', '\u00ad'];

/** Characters that some normalisation makes of others: KELVIN SIGN is a K after NFC, full width letters after NFKC. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  K: '\u212a',
  A: '\u0410',
  s: '\u017f',
  '-': '\u2010',
  _: '\uff3f',
  1: '\uff11',
};

function* changesOf(secret: string): Generator<string> {
  const { length } = secret;
  for (let at = 0; at < length; at += 1) {
    const [before, one, after] = [secret.slice(0, at), secret[at] ?? '', secret.slice(at + 1)];
    const other = one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase();
    for (const change of [
      '',
      one + one,
      other,
      'A',
      'z',
      '-',
      '=',
      '+',
      '%',
      '\0',
      LOOKALIKES[one] ?? 'é',
      String.fromCharCode(one.charCodeAt(0) + 0xfee0),
    ]) {
      yield before + change + after;
    }
    for (const space of SPACES) yield `${before}${space}${one}${after}`;
  }
  for (const space of SPACES) yield* [space + secret, secret + space, space + secret + space];
  const bytes = Buffer.from(secret, 'base64url');
  yield* [
    bytes.toString('hex'),
    bytes.toString('base64'),
    `${secret}=`,
    encodeURIComponent(`${secret} `),
    JSON.stringify(secret),
  ];
  yield* [
    secret.toLowerCase(),
    secret.toUpperCase(),
    `Bearer ${secret}`,
    `${secret}${secret}`,
    [...secret].reverse().join(''),
    '',
  ];
}

describe.each(Object.entries(places))('%s', (_, [bytes, arrives]) => {
  // With each of the characters that others are made into.
  const secret = `K-_1s${randomBytes(bytes).toString('base64url').slice(5)}`;

  const outcome = (text: string): unknown => {
    try {
      return arrives(text);
    } catch (error) {
      if (error instanceof DomainError) return error.code;
      throw error;
    }
  };

  it('arrives as it is', () => {
    expect(outcome(secret)).toBe(secret);
  });

  it('changed in whatever way arrives as what it was changed to, or not at all', () => {
    const changes = [...new Set(changesOf(secret))].filter((text) => text !== secret);
    expect(changes.length).toBeGreaterThan(450);
    for (const text of changes) expect(['validation_failed', text]).toContain(outcome(text));
  });
});
