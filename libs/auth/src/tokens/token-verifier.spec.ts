import { createHmac } from 'node:crypto';
import { accessClaims, encode, ISSUER, now, scanClaims, TestKey } from '../../test/tokens';
import { KeyStore } from '../keys/key-store';
import { type RejectionReason, TokenRejected } from './token-rejected';
import { TokenVerifier } from './token-verifier';

const key = new TestKey('k1');
const stranger = new TestKey('k1');
const keys = new KeyStore(() => Promise.resolve(key.set));
const verifier = new TokenVerifier({ access: keys, scan: keys }, ISSUER);

const verdict = (token: string, kind: 'access' | 'scan' = 'access'): Promise<RejectionReason | 'accepted'> =>
  verifier.verify(token, kind).then(
    () => 'accepted' as const,
    (error: unknown) => {
      if (error instanceof TokenRejected) return error.reason;
      throw error;
    },
  );

describe('a good token', () => {
  it('gives its claims', async () => {
    const claims = accessClaims();
    expect(await verifier.verify(key.sign(key.header('at+jwt'), claims), 'access')).toEqual(claims);
  });

  it('may lack a company', async () => {
    expect(await verdict(key.access({ company_id: undefined }))).toBe('accepted');
    expect(await verdict(key.access({ company_id: null }))).toBe('accepted');
  });

  it('may have the members of its header in any order', async () => {
    expect(await verdict(key.sign({ kid: 'k1', alg: 'ES256', typ: 'at+jwt' }, accessClaims()))).toBe('accepted');
  });

  it('may be good already, and has five seconds of leeway at both ends', async () => {
    expect(await verdict(key.access({ nbf: now() - 1 }))).toBe('accepted');
    expect(await verdict(key.access({ nbf: now() + 4 }))).toBe('accepted');
    expect(await verdict(key.access({ nbf: now() + 8 }))).toBe('not_yet_valid');
    expect(await verdict(key.access({ exp: now() - 3 }))).toBe('accepted');
    expect(await verdict(key.access({ exp: now() - 6 }))).toBe('expired');
  });

  it('has no leeway if it is a scan pass, whose seconds people see', async () => {
    expect(await verdict(key.scan({ exp: now() + 2 }), 'scan')).toBe('accepted');
    expect(await verdict(key.scan({ exp: now() }), 'scan')).toBe('expired');
  });
});

describe('a header of one kind', () => {
  it('does not carry the claims of the other over', async () => {
    expect(await verdict(key.sign(key.header('at+jwt'), scanClaims()))).toBe('audience');
    expect(await verdict(key.sign(key.header('scan+jwt'), accessClaims()), 'scan')).toBe('audience');
    expect(await verdict(key.sign(key.header('at+jwt'), scanClaims({ aud: 'puerta' })))).toBe('claims');
  });
});

describe('attacks', () => {
  const header = key.header('at+jwt');
  const jwk = stranger.jwk;
  const hmac = (secret: string | Buffer): string => {
    const input = `${encode({ ...header, alg: 'HS256' })}.${encode(accessClaims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const unsigned = `${encode({ ...header, alg: 'none' })}.${encode(accessClaims())}`;
  const signedAs = (changes: object): string => key.sign({ ...header, ...changes }, accessClaims());
  const signedHeader = (text: string): string => key.sign(text, accessClaims());
  const [good1, good2, good3] = key.access().split('.') as [string, string, string];
  const swapped = key.access().split('.')[1];
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });

  const attacks: Record<string, [RejectionReason, string]> = {
    nothing: ['form', ''],
    'dots alone': ['form', '..'],
    'no token at all': ['form', 'hello'],
    'two parts': ['form', `${good1}.${good2}`],
    'four parts': ['form', `${good1}.${good2}.${good3}.${good3}`],
    'an empty fourth part': ['form', `${good1}.${good2}.${good3}.`],
    'five parts, as of an encrypted token': ['form', `${good1}.${good2}.${good3}.${good2}.${good3}`],
    'alg none without a signature': ['form', `${unsigned}.`],
    'alg none with a signature': ['algorithm', `${unsigned}.${good3}`],
    'alg None': ['algorithm', signedAs({ alg: 'None' })],
    'HS256 signed with the public key': ['algorithm', hmac(pem)],
    'HS256 signed with the public JWK': ['algorithm', hmac(JSON.stringify(key.jwk))],
    'HS512 of 64 bytes, as long as an ES256 signature': [
      'algorithm',
      `${unsigned.replace(/^[^.]+/, encode({ ...header, alg: 'HS512' }))}.${createHmac('sha512', pem).update(unsigned).digest('base64url')}`,
    ],
    'another algorithm of the same family': ['algorithm', signedAs({ alg: 'ES384' })],
    'an algorithm in small letters': ['algorithm', signedAs({ alg: 'es256' })],
    'an unknown kid': ['unknown_key', signedAs({ kid: 'k2' })],
    'a kid that is a path': ['header', signedAs({ kid: '../../dev/null' })],
    'a kid that is SQL': ['header', signedAs({ kid: "k1' OR '1'='1" })],
    'a kid that is a prototype member': ['unknown_key', signedAs({ kid: '__proto__' })],
    'a kid that is a number': ['header', signedAs({ kid: 1 })],
    'a kid that is a list': ['header', signedAs({ kid: ['k1'] })],
    'no kid': ['header', signedAs({ kid: undefined })],
    'no typ': ['header', signedAs({ typ: undefined })],
    'no alg': ['header', signedAs({ alg: undefined })],
    'typ JWT': ['type', signedAs({ typ: 'JWT' })],
    'typ in capitals': ['type', signedAs({ typ: 'AT+JWT' })],
    'typ with the prefix application/': ['header', signedAs({ typ: 'application/at+jwt' })],
    'typ of an assertion': ['type', signedAs({ typ: 'puerta-assertion+jwt' })],
    'a key in the header (jwk)': ['header', stranger.sign({ ...header, jwk }, accessClaims())],
    'an address of keys in the header (jku)': ['header', signedAs({ jku: 'https://evil.example/jwks.json' })],
    'a certificate in the header (x5c)': ['header', signedAs({ x5c: ['MIIB'] })],
    'an address of a certificate (x5u)': ['header', signedAs({ x5u: 'https://evil.example/cert' })],
    'a critical extension': ['header', signedAs({ crit: ['exp'], exp: 1 })],
    'an unencoded payload (b64)': ['header', signedAs({ b64: false, crit: ['b64'] })],
    'a content type': ['header', signedAs({ cty: 'JWT' })],
    'a header that is a list': ['header', signedHeader('["ES256","at+jwt","k1"]')],
    'a header that is null': ['header', signedHeader('null')],
    'a header that is no JSON': ['header', signedHeader('{alg:ES256}')],
    'a header with a duplicated member': [
      'header',
      signedHeader('{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"k1"}'),
    ],
    'a header with white space': ['header', signedHeader('{"alg": "ES256","typ":"at+jwt","kid":"k1"}')],
    'a header with an escape': ['header', signedHeader('{"\\u0061lg":"ES256","typ":"at+jwt","kid":"k1"}')],
    'a header with a byte order mark': ['header', signedHeader('\uFEFF{"alg":"ES256","typ":"at+jwt","kid":"k1"}')],
    'a header with __proto__': [
      'header',
      signedHeader('{"alg":"ES256","typ":"at+jwt","kid":"k1","__proto__":{"b64":false}}'),
    ],
    'a header of invalid UTF-8': ['header', key.sign(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), accessClaims())],
    'a signature by another key of the same kid': ['signature', stranger.access()],
    'the payload of another token': ['signature', `${good1}.${swapped}.${good3}`],
    'a signature of zeros': ['signature', `${good1}.${good2}.${Buffer.alloc(64).toString('base64url')}`],
    'a signature in DER': ['form', `${good1}.${good2}.${Buffer.alloc(70, 0x30).toString('base64url')}`],
    'a short signature': ['form', `${good1}.${good2}.${good3.slice(0, -4)}`],
    'no signature': ['form', `${good1}.${good2}.`],
    padding: ['form', `${good1}.${good2}.${good3}==`],
    'white space around': ['form', ` ${good1}.${good2}.${good3}`],
    'a line break at the end': ['form', `${good1}.${good2}.${good3}\n`],
    'a null byte at the end': ['form', `${good1}.${good2}.${good3}\0`],
    'the plain base64 alphabet': ['form', `${good1}.${good2}.+/${good3.slice(2)}`],
    'a last character with stray bits': ['form', `${good1}.${good2}.${strayBits(good3)}`],
    'more than 4 KiB': ['form', key.access({ email: 'a'.repeat(4096) })],
    'a payload that is a text': ['audience', key.sign(header, '"puerta"')],
    'a payload that is no JSON': ['audience', key.sign(header, 'puerta')],
    'a payload that is a list': ['audience', key.sign(header, '[]')],
    'a payload that is null': ['audience', key.sign(header, 'null')],
    expired: ['expired', key.access({ exp: now() - 60 })],
    'not yet valid': ['not_yet_valid', key.access({ nbf: now() + 60 })],
    'nbf that is a text': ['claims', key.access({ nbf: '0' })],
    'no exp': ['claims', key.access({ exp: undefined })],
    'exp that is a text': ['claims', key.access({ exp: String(now() + 900) })],
    'exp that is infinite': [
      'claims',
      key.sign(header, JSON.stringify(accessClaims({ exp: 1 })).replace('"exp":1', '"exp":1e999')),
    ],
    'exp with a fraction': ['claims', key.access({ exp: now() + 900.5 })],
    'another issuer': ['issuer', key.access({ iss: 'https://evil.example' })],
    'an issuer with a slash more': ['issuer', key.access({ iss: `${ISSUER}/` })],
    'a list of issuers': ['issuer', key.access({ iss: [ISSUER] })],
    'no issuer': ['issuer', key.access({ iss: undefined })],
    'another audience': ['audience', key.access({ aud: 'card-profile' })],
    'an audience that begins like ours': ['audience', key.access({ aud: 'puerta2' })],
    'a list of audiences with ours': ['audience', key.access({ aud: ['puerta', 'other'] })],
    'a list of our audience alone': ['audience', key.access({ aud: ['puerta'] })],
    'no audience': ['audience', key.access({ aud: undefined })],
    'no subject': ['claims', key.access({ sub: undefined })],
    'a subject that is no UUID': ['claims', key.access({ sub: 'admin' })],
    'a subject in capitals': ['claims', key.access({ sub: '01993C1E-7D52-7C3A-9B1F-2F6F0F6C1A11' })],
    'a subject with a line break': ['claims', key.access({ sub: '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11\n' })],
    'no jti': ['claims', key.access({ jti: undefined })],
    'no iat': ['claims', key.access({ iat: undefined })],
    'no session': ['claims', key.access({ sid: undefined })],
    'no e-mail': ['claims', key.access({ email: undefined })],
    'an e-mail that is an object': ['claims', key.access({ email: {} })],
    'a company that is no UUID': ['claims', key.access({ company_id: 'acme' })],
    'an empty company': ['claims', key.access({ company_id: '' })],
    'a company that is a list': ['claims', key.access({ company_id: [] })],
    'no roles': ['claims', key.access({ roles: undefined })],
    'roles that are a text': ['claims', key.access({ roles: 'owner' })],
    'roles that are objects': ['claims', key.access({ roles: [{}] })],
  };

  it.each(Object.entries(attacks))('%s', async (_, [reason, token]) => {
    expect(await verdict(token)).toBe(reason);
  });

  it('says expired of genuine tokens alone', async () => {
    expect(await verdict(stranger.access({ exp: now() - 60 }))).toBe('signature');
  });
});

/** The same 64 bytes, spelt with other unused bits. */
function strayBits(signature: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const orphan = signature.slice(0, -1) + alphabet[alphabet.indexOf(signature.at(-1) ?? '') + 1];
  expect(Buffer.from(orphan, 'base64url')).toEqual(Buffer.from(signature, 'base64url'));
  return orphan;
}
