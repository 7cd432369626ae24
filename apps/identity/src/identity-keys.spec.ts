import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { hashSecret, IdentityKeys, makeSecret } from './identity-keys';
import { RefreshTokens } from './sessions/refresh-tokens';

const secret = randomBytes(32);
const keys = (bytes = secret): Record<string, string> =>
  Object.fromEntries(
    Object.entries(new IdentityKeys(createSecretKey(bytes))).map(([use, key]) => [use, key.export().toString('hex')]),
  );

it('derives a key of its own for each use', () => {
  const values = [secret.toString('hex'), ...Object.values(keys())];
  expect(new Set(values).size).toBe(5);
  expect(keys()).toEqual(keys());
  expect(Object.values(keys(randomBytes(32))).some((key) => values.includes(key))).toBe(false);
});

it('makes secrets of 256 bits that depend on every part', () => {
  const { invitations, refreshTokens } = new IdentityKeys(createSecretKey(secret));
  const made = [
    makeSecret(invitations, 'a'),
    makeSecret(invitations, 'b'),
    makeSecret(refreshTokens, 'a'),
    makeSecret(refreshTokens, 'a', 'b'),
  ];
  for (const one of made) expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(new Set(made).size).toBe(4);
  expect(new Set(made.map((one) => hashSecret(one).toString('hex'))).size).toBe(4);
});

it('makes the first refresh token of session and salt, and each next one of the one before', () => {
  const tokens = new RefreshTokens(new IdentityKeys(createSecretKey(secret)).refreshTokens);
  const [id, salt] = [randomUUID(), randomBytes(32)];
  const first = tokens.first(id, salt);
  expect(tokens.first(id, salt)).toBe(first);
  expect(tokens.next(first)).toBe(tokens.next(first));
  const made = [
    first,
    tokens.first(randomUUID(), salt),
    tokens.first(id, randomBytes(32)),
    tokens.next(first),
    tokens.next(tokens.next(first)),
  ];
  expect(new Set(made).size).toBe(5);
});
