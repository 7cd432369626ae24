import { createHmac, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { Keyring } from '@puerta/config';
import { CARD_CODE } from '@puerta/contracts/core';
import { CardCodes, hashCode } from './card-codes';

const secretBytes = randomBytes(32);
const old = createSecretKey(randomBytes(32));
const secrets = new Keyring(
  new Map([
    ['new', createSecretKey(secretBytes)],
    ['old', old],
  ]),
);
const codes = new CardCodes(secrets, 'https://puerta.example.com');

const source = {
  id: '0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  revision: 1,
  codeSalt: Buffer.alloc(16, 7),
  codeSecretId: 'new',
};

describe('the code of a card', () => {
  it('is 128 bits of an HMAC over domain, id, revision and salt, as 22 characters', () => {
    const input = Buffer.concat([
      Buffer.from('puerta-card-1'),
      Buffer.from('0193a1b2c3d47e5f8a9b0c1d2e3f4a5b', 'hex'),
      Buffer.from([0, 0, 0, 1]),
      source.codeSalt,
    ]);
    const expected = createHmac('sha256', secretBytes).update(input).digest().subarray(0, 16);
    expect(codes.codeOf(source)).toBe(expected.toString('base64url'));
    expect(codes.codeOf(source)).toMatch(CARD_CODE);
  });

  it('changes with the id, the revision, the salt and the secret, and with nothing else', () => {
    const all = [
      source,
      { ...source, id: randomUUID() },
      { ...source, revision: 2 },
      { ...source, revision: 256 },
      { ...source, codeSalt: Buffer.alloc(16, 8) },
      { ...source, codeSecretId: 'old' },
    ].map((one) => codes.codeOf(one));
    expect(new Set(all).size).toBe(all.length);
    expect(codes.codeOf({ ...source })).toBe(all[0]);
  });

  it('is renewed under the newest secret with a salt of its own, and known by its hash', () => {
    const [first, second] = [codes.renew(source.id, 1), codes.renew(source.id, 1)];
    expect(first.codeSecretId).toBe('new');
    expect(first.codeSalt).toHaveLength(16);
    expect(first.codeSalt).not.toEqual(second.codeSalt);
    expect(first.codeHash).toEqual(hashCode(codes.codeOf({ id: source.id, revision: 1, ...first })));
  });

  it('is always canonical base64url', () => {
    for (let i = 0; i < 500; i++) expect(codes.codeOf({ ...source, codeSalt: randomBytes(16) })).toMatch(CARD_CODE);
  });

  it('is not made with a secret that is not configured', () => {
    expect(() => codes.codeOf({ ...source, codeSecretId: 'lost' })).toThrow(
      'CARD_ISSUER_CODE_SECRETS has no secret "lost"',
    );
  });

  it('is not made for what is no UUID', () => {
    expect(() => codes.codeOf({ ...source, id: 'card-1' })).toThrow(TypeError);
  });

  it('makes the address in the QR', () => {
    expect(codes.scanUrl(source)).toBe(`https://puerta.example.com/scan/${codes.codeOf(source)}`);
  });
});
