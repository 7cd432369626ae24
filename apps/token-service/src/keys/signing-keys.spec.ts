import { ConfigError, Keyring } from '@puerta/config';
import type { KeyUse } from '@puerta/contracts';
import { waitFor } from '@puerta/testing';
import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { newEncryptionKey, TestTokenService } from '../../test/token-service';
import { KeyStates1795392000000 } from '../migrations/1795392000000-key-states';
import { KeyCipher } from './key-cipher';
import { generateKeyPair, keyPairOf } from './key-pair';

interface Row {
  readonly kid: string;
  readonly use: KeyUse;
  readonly state: string;
  readonly public_jwk: Record<string, string>;
  readonly private_key: string;
}

describe('the signing keys', () => {
  let service: TestTokenService;

  beforeEach(async () => {
    service = await TestTokenService.create();
  });

  afterEach(() => service.close());

  const rows = (): Promise<Row[]> => service.database.query('SELECT * FROM keys ORDER BY use, state');
  const published = async (use?: KeyUse) => (await service.as('gateway')).request('keys.public', { use });

  it('are made once, however many replicas start at the same time: one that signs and the next one, of each use', async () => {
    await Promise.all(Array.from({ length: 4 }, () => service.start()));
    const made = await rows();
    expect(made.map(({ use, state }) => `${use} ${state}`)).toEqual(['access active', 'access next', 'ticket active', 'ticket next']);
    const answers = await Promise.all(Array.from({ length: 20 }, () => published()));
    for (const { keys } of answers) expect(keys).toEqual(made.filter(({ use }) => use === 'access').map(({ public_jwk }) => public_jwk));
  });

  it('are of two sets, which have nothing in common', async () => {
    await service.start();
    const [access, tickets] = await Promise.all([published('access'), published('ticket')]);
    expect(access.keys).toHaveLength(2);
    expect(tickets.keys).toHaveLength(2);
    for (const { kid } of tickets.keys) expect(kid).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{3}$/);
    expect(new Set([...access.keys, ...tickets.keys].map(({ x }) => x)).size).toBe(4);
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
    await service.database.query('DELETE FROM keys');
    await waitFor(() => told.includes('keys.rotated'));
    const answers = await Promise.all(Array.from({ length: 20 }, () => published()));
    const kids = new Set(answers.flatMap(({ keys }) => keys.map(({ kid }) => kid)));
    expect(kids.size).toBe(2);
    for (const { kid } of before.keys) expect(kids).not.toContain(kid);
  });

  it('are published without their private half, under the thumbprint of RFC 7638', async () => {
    await service.start();
    const { keys } = await published();
    const key = { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), use: 'sig', alg: 'ES256' };
    const kid = expect.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{42}$/) as string;
    expect(keys).toEqual([{ ...key, kid }, { ...key, kid }]);
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
    const { publicJwk } = generateKeyPair('access');
    await service.database.query(`UPDATE keys SET public_jwk = public_jwk || $1 WHERE state = 'active'`, [{ x: publicJwk.x, y: publicJwk.y }]);
    await expect(service.start()).rejects.toThrow(/was changed/);
  });

  it.each([
    ['a second active key', `UPDATE keys SET state = 'active' WHERE state = 'next'`],
    ['a second next key', `UPDATE keys SET state = 'next' WHERE state = 'active'`],
    ['another use', `UPDATE keys SET use = 'other'`],
    ['the use of another', `UPDATE keys SET use = 'access' WHERE use = 'ticket'`],
    ['another state', `UPDATE keys SET state = 'resting'`],
    ['a private key in the public one', `UPDATE keys SET public_jwk = '{"d": "1"}'`],
    ['a private key in clear', `UPDATE keys SET private_key = '-----BEGIN PRIVATE KEY-----'`],
    ['no private key', `UPDATE keys SET private_key = NULL`],
    ['a private key that is retired', `UPDATE keys SET state = 'retired'`],
    ['a next key that has signed', `UPDATE keys SET signed_until = now()`],
  ])('admit no row with %s', async (_, statement) => {
    await service.start();
    await expect(service.database.query(statement)).rejects.toThrow(/constraint/);
  });

  it('have a migration that keeps the active key, undone and done again', async () => {
    await service.start();
    await service.stop();
    const [before] = await rows();
    const runner = service.database.createQueryRunner();
    const migration = new KeyStates1795392000000();
    await migration.down(runner);
    await expect(rows()).rejects.toThrow(/does not exist/);
    const [old, ...more] = (await runner.query('SELECT * FROM signing_keys')) as Row[];
    expect(more).toEqual([]);
    expect(old).toMatchObject({ kid: before?.kid, private_key: before?.private_key });
    await migration.up(runner);
    await runner.release();
    await service.start();
    expect((await published()).keys.map(({ kid }) => kid)).toEqual([before?.kid, expect.any(String)]);
    expect((await rows())[0]).toMatchObject({ ...before, signed_until: expect.any(Date) as Date });
  });

  it('are one to a replica of the version before, which finds it under its old name', async () => {
    await service.start();
    const [active] = await rows();
    expect(await service.database.query('SELECT * FROM signing_keys')).toEqual([
      {
        ...{ kid: active?.kid, use: 'access', state: 'active', public_jwk: active?.public_jwk },
        ...{ private_key: active?.private_key, created_at: expect.any(Date) as Date },
      },
    ]);
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
    for (const text of ['', 'k1', 'k1.', 'k1..', `k1.${nonce}.`, `k1.${nonce}.${body.slice(0, 20)}`, `k1.${nonce}.${body.slice(0, -8)}`]) {
      expect(() => cipher.open(kid, text)).toThrow(/signing key/);
    }
  });
});
