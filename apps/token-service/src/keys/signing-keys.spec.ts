import { ConfigError, Keyring } from '@puerta/config';
import { waitFor } from '@puerta/testing';
import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { newEncryptionKey, TestTokenService } from '../../test/token-service';
import { SigningKeys1795219200000 } from '../migrations/1795219200000-signing-keys';
import { KeyCipher } from './key-cipher';
import { generateKeyPair, keyPairOf } from './key-pair';

interface Row {
  readonly kid: string;
  readonly public_jwk: Record<string, string>;
  readonly private_key: string;
}

describe('the signing keys', () => {
  let service: TestTokenService;

  beforeEach(async () => {
    service = await TestTokenService.create();
  });

  afterEach(() => service.close());

  const rows = (): Promise<Row[]> => service.database.query('SELECT kid, public_jwk, private_key FROM signing_keys');
  const published = async () => (await service.as('gateway')).request('keys.public', {});

  it('are made once, however many replicas start at the same time', async () => {
    await Promise.all(Array.from({ length: 4 }, () => service.start()));
    const [row, ...more] = await rows();
    expect(more).toEqual([]);
    const answers = await Promise.all(Array.from({ length: 20 }, published));
    for (const { keys } of answers) expect(keys).toEqual([row?.public_jwk]);
  });

  it('stay over a restart', async () => {
    await service.start();
    const before = await published();
    await service.stop();
    await service.start();
    expect(await published()).toEqual(before);
  });

  it('are told when they change, and a key that was withdrawn is published no more by any replica', async () => {
    await Promise.all([service.start(), service.start()]);
    const before = await published();
    const { feed, told } = await service.hear();
    await waitFor(() => feed.fresh);
    await service.database.query('DELETE FROM signing_keys');
    await waitFor(() => told.includes('keys.rotated'));
    const answers = await Promise.all(Array.from({ length: 20 }, published));
    const kids = new Set(answers.flatMap(({ keys }) => keys.map(({ kid }) => kid)));
    expect(kids.size).toBe(1);
    expect([...kids]).not.toEqual(before.keys.map(({ kid }) => kid));
  });

  it('are published without their private half, under the thumbprint of RFC 7638', async () => {
    await service.start();
    const { keys } = await published();
    expect(keys).toEqual([
      { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), kid: expect.any(String), use: 'sig', alg: 'ES256' },
    ]);
    expect(keys[0]?.kid).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('rest encrypted, the id of the encryption key beside them', async () => {
    await service.start();
    const [row] = await rows();
    expect(row?.private_key).toMatch(/^k1\./);
    expect(Object.keys(row?.public_jwk ?? {})).not.toContain('d');
    for (const encoding of ['base64', 'hex'] as const) {
      const bytes = Buffer.from(row?.private_key.split('.')[2] ?? '', 'base64url').toString(encoding);
      // The beginning of every PKCS #8 P-256 key.
      expect(bytes).not.toContain(Buffer.from('3081870201003013', 'hex').toString(encoding).slice(0, 10));
    }
  });

  it('open with an older encryption key that is still in the list', async () => {
    await service.start();
    const before = await published();
    await service.stop();
    const old = service.config().TOKEN_SERVICE_KEY_ENCRYPTION_KEYS;
    const text = old.current.key.export().toString('base64');
    await service.start({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k2:${newEncryptionKey()},k1:${text}` });
    expect(await published()).toEqual(before);
  });

  it.each([
    ['another key under the same id', () => `k1:${newEncryptionKey()}`, /has another key "k1" than the one/],
    ['a list without the key', () => `k2:${newEncryptionKey()}`, /has no key "k1"/],
  ])('keep the service from starting with %s, and are not replaced', async (_, keys, message) => {
    await service.start();
    const before = await rows();
    await service.stop();
    const start = service.start({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keys() });
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(/TOKEN_SERVICE_KEY_ENCRYPTION_KEYS/);
    await expect(start).rejects.toThrow(message);
    expect(await rows()).toEqual(before);
  });

  it('keep the service from starting when a public key was exchanged', async () => {
    await service.start();
    await service.stop();
    const { publicJwk } = generateKeyPair();
    await service.database.query('UPDATE signing_keys SET public_jwk = public_jwk || $1', [{ x: publicJwk.x, y: publicJwk.y }]);
    await expect(service.start()).rejects.toThrow(/was changed/);
  });

  it.each([
    ['a second active key', `INSERT INTO signing_keys SELECT repeat('A', 43), use, state, public_jwk, private_key FROM signing_keys`],
    ['another use', `UPDATE signing_keys SET use = 'other'`],
    ['a private key in the public one', `UPDATE signing_keys SET public_jwk = '{"d": "1"}'`],
    ['a private key in clear', `UPDATE signing_keys SET private_key = '-----BEGIN PRIVATE KEY-----'`],
  ])('admit no row with %s', async (_, statement) => {
    await service.start();
    await expect(service.database.query(statement)).rejects.toThrow(/constraint/);
  });

  it('have a migration that can be undone and done again', async () => {
    const runner = service.database.createQueryRunner();
    const migration = new SigningKeys1795219200000();
    await migration.down(runner);
    await expect(rows()).rejects.toThrow(/does not exist/);
    await migration.up(runner);
    expect(await rows()).toEqual([]);
    await runner.release();
  });
});

describe('keyPairOf', () => {
  it('gives the thumbprint that others compute', () => {
    // RFC 7515 appendix A.3; its thumbprint computed with jose.
    const jwk = {
      kty: 'EC', crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    };
    expect(keyPairOf(createPrivateKey({ key: jwk, format: 'jwk' })).kid).toBe('oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U');
  });

  it('refuses keys of another curve', () => {
    expect(() => keyPairOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)).toThrow('P-256');
  });
});

describe('KeyCipher', () => {
  const cipher = new KeyCipher(new Keyring(new Map([['k1', createSecretKey(randomBytes(32))]])));
  const { kid, privateKey } = generateKeyPair();
  const sealed = cipher.seal(kid, privateKey);

  it('opens what it sealed', () => {
    expect(cipher.open(kid, sealed).equals(privateKey)).toBe(true);
  });

  it('never seals twice alike', () => {
    expect(cipher.seal(kid, privateKey)).not.toBe(sealed);
  });

  it('opens nothing under another kid', () => {
    expect(() => cipher.open(generateKeyPair().kid, sealed)).toThrow(/another key/);
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
    for (const text of ['', 'k1', 'k1.', 'k1..', `k1.${nonce}.`, `k1.${nonce}.${body.slice(0, 20)}`, `k1.${nonce}.${body.slice(0, -8)}`]) {
      expect(() => cipher.open(kid, text)).toThrow(/signing key/);
    }
  });
});
