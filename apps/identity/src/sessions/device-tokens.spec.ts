import { createSecretKey, randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { IdentityKeys } from '../identity-keys';
import { DeviceTokens } from './device-tokens';

const devices = new DeviceTokens(new IdentityKeys(createSecretKey(randomBytes(32))));
const token = devices.make(uuid(), 'ana@münchen.de');

it('is known for its e-mail, however that is written, and for no other', () => {
  for (const email of ['ana@münchen.de', 'ANA@xn--mnchen-3ya.de']) expect(devices.isKnown(token, email)).toBe(true);
  for (const email of ['eva@münchen.de', 'ana@example.com', '']) expect(devices.isKnown(token, email)).toBe(false);
});

it('is the same in each answer of a session, and another one in another session', () => {
  const session = uuid();
  expect(devices.make(session, 'ana@example.com')).toBe(devices.make(session, 'ana@example.com'));
  expect(devices.make(uuid(), 'ana@example.com')).not.toBe(devices.make(session, 'ana@example.com'));
});

it('is not known for long after a year, nor when it was changed or made elsewhere', () => {
  const since = (days: number) => devices.make(uuid({ msecs: Date.now() - days * 86_400_000 }), 'ana@example.com');
  expect([364, 366].map((days) => devices.isKnown(since(days), 'ana@example.com'))).toEqual([true, false]);
  const bytes = Buffer.from(token, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(devices.isKnown(changed.toString('base64url'), 'ana@münchen.de')).toBe(false);
  }
  for (const text of ['', 'A'.repeat(64), token.slice(1), `${token}A`]) {
    expect(devices.isKnown(text, 'ana@münchen.de')).toBe(false);
  }
  const elsewhere = new DeviceTokens(new IdentityKeys(createSecretKey(randomBytes(32))));
  expect(elsewhere.isKnown(token, 'ana@münchen.de')).toBe(false);
});
