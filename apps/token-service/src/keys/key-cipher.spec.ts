import { Keyring } from '@puerta/config';
import type { KeyUse } from '@puerta/contracts';
import { newKeyPair } from '@puerta/testing';
import { createPrivateKey, createSecretKey, randomBytes } from 'node:crypto';
import { KeyCipher } from './key-cipher';
import { generateKeyPair, keyPairOf } from './key-pair';

describe('keyPairOf', () => {
  it('gives the thumbprint that others compute', () => {
    // RFC 7515 appendix A.3; its thumbprint computed with jose.
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    };
    const kid = (use: KeyUse) => keyPairOf(use, createPrivateKey({ key: jwk, format: 'jwk' }), 'tick').kid;
    expect(kid('access')).toBe('oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U');
    // Others for other uses: a row whose use was altered does not name the key in it.
    expect(kid('assertion')).toBe('oKIywvGUpTVTyxMQ3bwIIe');
    expect(kid('ticket')).toBe('tick');
  });

  it('refuses a name that no key for tickets has', () => {
    const { privateKey } = generateKeyPair('ticket');
    for (const kid of ['', 'abc', 'abcde', 'ab/d', 'abcd\n'])
      expect(() => keyPairOf('ticket', privateKey, kid)).toThrow('kid');
  });

  it('refuses keys of another curve', () => {
    expect(() => keyPairOf('access', newKeyPair('P-384').privateKey, '')).toThrow('P-256');
  });
});

it('no kid that is made begins with a dash, which would be an option on a command line', () => {
  const kids = Array.from({ length: 300 }, () => generateKeyPair('ticket').kid);
  for (const kid of kids) expect(kid).toMatch(/^\w[\w-]{3}$/);
});

describe('KeyCipher', () => {
  const cipher = new KeyCipher(new Keyring(new Map([['k1', createSecretKey(randomBytes(32))]])));
  const { kid, privateKey } = generateKeyPair('access');
  const sealed = cipher.seal(kid, privateKey);

  it('opens what it sealed', () => {
    expect(cipher.open(kid, sealed).equals(privateKey)).toBe(true);
  });

  it('never seals twice alike', () => {
    expect(cipher.seal(kid, privateKey)).not.toBe(sealed);
  });

  it('opens nothing under another kid', () => {
    expect(() => cipher.open(generateKeyPair('access').kid, sealed)).toThrow(/another key/);
  });

  it('opens nothing that was changed', () => {
    const [id = '', nonce = '', body = ''] = sealed.split('.');
    for (const [part, text] of [nonce, body].entries()) {
      const bytes = Buffer.from(text, 'base64url');
      for (let index = 0; index < bytes.length; index++) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ 1;
        const parts = [id, ...[nonce, body].with(part, changed.toString('base64url'))];
        expect(() => cipher.open(kid, parts.join('.'))).toThrow(/another key/);
      }
    }
    for (const text of [
      '',
      'k1',
      'k1.',
      'k1..',
      `k1.${nonce}.`,
      `k1.${nonce}.${body.slice(0, 20)}`,
      `k1.${nonce}.${body.slice(0, -8)}`,
    ]) {
      expect(() => cipher.open(kid, text)).toThrow(/signing key/);
    }
  });
});
