import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { Keyring } from '@puerta/config';
import { isUUID } from 'class-validator';
import { TokenKey, TokenKeys } from './token-key';

const newKey = () => createSecretKey(randomBytes(32));
const key = new TokenKey(newKey());
const owner = { space: 'gateway', id: `company ${randomUUID()}` };
const expiresAt = 1_795_600_000_123;
const token = key.newToken(owner, expiresAt);

/** Everything that is close to a token and is not it. */
function* mutations(): Generator<[what: string, text: string]> {
  const bytes = Buffer.from(token, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield [`bit ${bit}`, changed.toString('base64url')];
  }
  for (let at = 0; at < token.length; at++) {
    const [before, one = '', after] = [token.slice(0, at), token[at], token.slice(at + 1)];
    const other = one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase();
    if (other !== one) yield [`case of ${at}`, before + other + after];
    yield [`without ${at}`, before + after];
    yield [`twice ${at}`, before + one + one + after];
    yield [`space at ${at}`, `${before} ${one}${after}`];
  }
  for (const form of ['base64', 'hex', 'latin1'] as const)
    if (bytes.toString(form) !== token) yield [form, bytes.toString(form)];
  yield* [' ', '\n', '\0', '=', '==', '.', '%20', '\u200b', '\u0301'].flatMap((more): [string, string][] => [
    [`${JSON.stringify(more)} after`, token + more],
    [`${JSON.stringify(more)} before`, more + token],
  ]);
  yield ['percent', encodeURIComponent(token).replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`)];
  yield ['full width', token.replace(/[A-Za-z]/, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0))];
  yield ['twice', token + token];
  yield ['expiry of another', key.newToken(owner, expiresAt + 1).slice(0, 8) + token.slice(8)];
  yield ['tag of another', token.slice(0, 50) + key.newToken(owner, expiresAt).slice(50)];
  yield ['nothing', ''];
}

it('a token says when it expires, to who made it alone', () => {
  expect(token).toMatch(/^[A-Za-z0-9_-]{72}$/);
  expect(key.expiryOf(owner, token)).toBe(expiresAt);
  expect(new TokenKey(newKey()).expiryOf(owner, token)).toBeUndefined();
  for (const other of [
    { ...owner, space: 'identity' },
    { ...owner, id: 'identity' },
    { space: owner.id, id: owner.space },
  ]) {
    expect(key.expiryOf(other, token)).toBeUndefined();
  }
});

it('of more than 500 mutations of a token none is one', () => {
  const all = [...mutations()].filter(([, text]) => text !== token);
  expect(all.length).toBeGreaterThan(500);
  expect(all.filter(([, text]) => key.expiryOf(owner, text) !== undefined)).toEqual([]);
});

it('no two tokens are alike', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => key.newToken(owner, expiresAt))).size).toBe(1_000);
});

it('the id of a token is a UUID, and leads neither back to it nor to its record', () => {
  const id = key.tokenId(owner, { token });
  const hex = Buffer.from(id, 'base64url').toString('hex');
  expect(isUUID(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), '8')).toBe(true);
  expect(key.tokenId(owner, { token })).toBe(id);
  const record = key.name('record', owner, id);
  expect(new Set([token, id, record, new TokenKey(newKey()).name('record', owner, id)]).size).toBe(4);
});

it('a code is another one for another owner, purpose or subject, and parts do not run into each other', () => {
  const code = { code: '123456', purpose: 'a', subject: 'b' };
  const others = [
    { ...code, code: '123457' },
    { ...code, purpose: 'ab', subject: '' },
    { ...code, purpose: 'a","b', subject: '' },
    { ...code, purpose: 'b', subject: 'a' },
    { ...code, purpose: null },
  ];
  const ids = [code, ...others].map((one) => key.tokenId(owner, one));
  expect(new Set([...ids, key.tokenId({ ...owner, id: 'other' }, code)]).size).toBe(7);
});

it('what is sealed opens for what it was sealed for, and not when it was altered', () => {
  const sealed = key.seal('canary', owner, 'token', token);
  expect(sealed).not.toBe(key.seal('canary', owner, 'token', token));
  expect(key.open(sealed, owner, 'token', token)).toBe('canary');
  expect(() => key.open(sealed, owner, 'token', `${token}x`)).toThrow();
  expect(() => key.open(sealed, { ...owner, space: 'identity' }, 'token', token)).toThrow();
  expect(() => new TokenKey(newKey()).open(sealed, owner, 'token', token)).toThrow();
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => key.open(changed.toString('base64url'), owner, 'token', token)).toThrow();
  }
  expect(() => key.open('', owner, 'token', token)).toThrow();
});

it('the first key of the ring makes, all find', () => {
  const [one, two] = [newKey(), newKey()];
  const before = new TokenKeys(new Keyring(new Map([['k1', one]])));
  const after = new TokenKeys(
    new Keyring(
      new Map([
        ['k2', two],
        ['k1', one],
      ]),
    ),
  );
  const old = before.first.newToken(owner, expiresAt);
  expect(after.first.expiryOf(owner, old)).toBeUndefined();
  expect(after.all.map((each) => each.expiryOf(owner, old))).toEqual([undefined, expiresAt]);
  expect(after.first.name('record', owner, 'x')).not.toBe(before.first.name('record', owner, 'x'));
});
