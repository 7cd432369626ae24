import { createHash, createHmac, randomBytes } from 'node:crypto';
import { sign } from 'jsonwebtoken';
import { accessClaims, encode, ISSUER, now, scanClaims, TestKey, TestSecret } from '../../test/tokens';
import { KeyStore } from '../keys/key-store';
import { type RejectionReason, TokenRejected } from './token-rejected';
import { TokenVerifier } from './token-verifier';

const key = new TestKey('k1');
const secret = new TestSecret(randomBytes(32).toString('base64'));
const store = new KeyStore(() => Promise.resolve(key.set));
/** With a shared secret, and without. */
const hs256 = new TokenVerifier({ access: secret.shared, scan: store }, ISSUER);
const es256 = new TokenVerifier({ access: store, scan: store }, ISSUER);

const verdict = (
  token: string,
  verifier = hs256,
  kind: 'access' | 'scan' = 'access',
): Promise<RejectionReason | 'accepted'> =>
  verifier.verify(token, kind).then(
    () => 'accepted' as const,
    (error: unknown) => {
      if (error instanceof TokenRejected) return error.reason;
      throw error;
    },
  );

describe('an access token by a shared secret', () => {
  it('is accepted as others make it: the secret is the text, as it is written', async () => {
    const { kid } = secret.shared.key;
    const token = sign(accessClaims(), secret.text, {
      algorithm: 'HS256',
      header: { alg: 'HS256', typ: 'at+jwt', kid },
    });
    expect(await verdict(token)).toBe('accepted');
    expect(await verdict(secret.access())).toBe('accepted');
  });

  it('is read with the same claims and the same leeway as one by a key', async () => {
    const claims = accessClaims({ company_id: undefined, exp: now() - 3 });
    expect(await hs256.verify(secret.sign(secret.header(), claims), 'access')).toEqual(
      JSON.parse(JSON.stringify(claims)),
    );
    expect(await verdict(secret.access({ exp: now() - 6 }))).toBe('expired');
  });

  it('has a kid that is the same wherever the secret is, and from which the secret does not follow', () => {
    const { kid } = secret.shared.key;
    expect(new TestSecret(secret.text).shared.key.kid).toBe(kid);
    expect(new TestSecret(`${secret.text}.`).shared.key.kid).not.toBe(kid);
    const text = Buffer.from(kid, 'base64url');
    expect(text).toHaveLength(32);
    for (const plain of [secret.text, Buffer.from(secret.text, 'base64')]) {
      expect(text).not.toEqual(createHash('sha256').update(plain).digest());
    }
  });
});

describe('neither mode takes the tokens of the other', () => {
  it.each([
    ['HS256 where there is a secret', () => secret.access(), hs256, 'accepted'],
    ['ES256 where there is a secret', () => key.access(), hs256, 'unknown_key'],
    ['HS256 where there is none', () => secret.access(), es256, 'unknown_key'],
    ['ES256 where there is none', () => key.access(), es256, 'accepted'],
  ] as const)('%s', async (_, token, verifier, expected) => {
    expect(await verdict(token(), verifier)).toBe(expected);
  });

  it('and scan passes are ES256 in both', async () => {
    const pass = secret.sign(secret.header('scan+jwt'), scanClaims());
    for (const verifier of [hs256, es256]) {
      expect(await verdict(key.scan(), verifier, 'scan')).toBe('accepted');
      expect(await verdict(pass, verifier, 'scan')).toBe('unknown_key');
    }
  });
});

describe('attacks on a shared secret', () => {
  const header = secret.header();
  const other = new TestSecret(randomBytes(32).toString('base64'));
  const [good1 = '', good2 = '', good3 = ''] = secret.access().split('.');
  const changed = (changes: object) => secret.sign({ ...header, ...changes }, accessClaims());
  const withKey = (material: string | Buffer) => secret.sign(header, accessClaims(), material);
  const spki = key.publicKey.export({ type: 'spki', format: 'der' });
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const truncated = (bytes: number) =>
    `${good1}.${good2}.${Buffer.from(good3, 'base64url').subarray(0, bytes).toString('base64url')}`;
  const longer = (name: string) =>
    `${encode({ ...header, alg: 'HS512' })}.${good2}.${createHmac(name, secret.text).update('x').digest('base64url')}`;

  const attacks: Record<string, [RejectionReason, string]> = {
    'alg none': ['form', `${encode({ ...header, alg: 'none' })}.${good2}.`],
    'alg none with the signature': ['algorithm', `${encode({ ...header, alg: 'none' })}.${good2}.${good3}`],
    'alg in small letters': ['algorithm', changed({ alg: 'hs256' })],
    'alg ES256 with the kid of the secret': ['algorithm', key.sign({ ...header, alg: 'ES256' }, accessClaims())],
    'a signature of ES256 under alg HS256': ['form', key.sign(header, accessClaims())],
    'alg HS384 and its signature': ['form', longer('sha384')],
    'alg HS512 and its signature': ['algorithm', longer('sha512')],
    'alg RS256': ['algorithm', changed({ alg: 'RS256' })],
    'the kid of the public key': ['unknown_key', changed({ kid: 'k1' })],
    'an empty kid': ['header', changed({ kid: '' })],
    'no kid': ['header', changed({ kid: undefined })],
    'the secret as its kid': ['header', changed({ kid: secret.text })],
    'another typ': ['type', changed({ typ: 'JWT' })],
    'a key in the header': [
      'header',
      changed({ jwk: { kty: 'oct', k: Buffer.from(secret.text).toString('base64url') } }),
    ],
    'another secret under this kid': ['signature', withKey(other.text)],
    'the bytes that the text stands for': ['signature', withKey(Buffer.from(secret.text, 'base64'))],
    'the hash of the text': ['signature', withKey(createHash('sha256').update(secret.text).digest())],
    'the text with a line break': ['signature', withKey(`${secret.text}\n`)],
    'the kid as the secret': ['signature', withKey(secret.shared.key.kid)],
    'an empty secret': ['signature', withKey('')],
    'the public key in PEM': ['signature', withKey(pem)],
    'the public key in DER': ['signature', withKey(spki)],
    'the public key as JWK': ['signature', withKey(JSON.stringify(key.jwk))],
    'the key set': ['signature', withKey(JSON.stringify(key.set))],
    'the kid as the signature': ['signature', `${good1}.${good2}.${secret.shared.key.kid}`],
    'a signature of zeros': ['signature', `${good1}.${good2}.${Buffer.alloc(32).toString('base64url')}`],
    'a signature of 31 bytes': ['form', truncated(31)],
    'a signature of 16 bytes': ['form', truncated(16)],
    'a signature of one byte': ['form', truncated(1)],
    'no signature': ['form', `${good1}.${good2}.`],
    'a signature twice': ['form', `${good1}.${good2}.${Buffer.alloc(64, good3, 'base64url').toString('base64url')}`],
    'the payload of another token': ['signature', `${good1}.${secret.access().split('.')[1]}.${good3}`],
    'no issuer': ['issuer', secret.access({ iss: undefined })],
    'another issuer': ['issuer', secret.access({ iss: 'https://old.example.com' })],
    'no audience': ['audience', secret.access({ aud: undefined })],
    'no exp': ['claims', secret.access({ exp: undefined })],
    'no session': ['claims', secret.access({ sid: undefined })],
    'no e-mail': ['claims', secret.access({ email: undefined })],
    'the claims of a scan pass': ['audience', secret.sign(header, scanClaims())],
  };

  it.each(Object.entries(attacks))('%s', async (_, [reason, token]) => {
    expect(await verdict(token)).toBe(reason);
    expect(await verdict(token, es256)).not.toBe('accepted');
  });

  it('a public key is no secret, whatever it is signed as, where there is no secret', async () => {
    const foreign = new TestKey('foreign').publicKey.export({ type: 'spki', format: 'pem' });
    for (const material of [pem, spki, JSON.stringify(key.jwk), String(foreign), '', Buffer.alloc(32)]) {
      for (const kid of ['k1', new TestSecret(material.toString()).shared.key.kid]) {
        const token = secret.sign({ alg: 'HS256', typ: 'at+jwt', kid }, accessClaims(), material);
        expect(await verdict(token, es256)).toMatch(/^(?:algorithm|unknown_key)$/);
      }
    }
  });
});
