import { createHmac, randomBytes, randomUUID, sign } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { Card, KeySet } from '@puerta/contracts';
import { newKeyPair, waitFor, type Puerta } from '@puerta/testing';
import { administrator, expectStatus, issueCard, scanPass, type Administrator } from '../support/people';
import { query } from '../support/rows';
import { single } from '../support/shared-puerta';

let puerta: Puerta;
let admin: Administrator;
let card: Card;
let keys: KeySet['keys'];

beforeAll(async () => {
  puerta = await single.start();
  admin = await administrator(puerta.api());
  card = await issueCard(puerta.api(), admin.token);
  keys = expectStatus(await puerta.http().get<KeySet>('/.well-known/jwks.json'), 200).keys;
}, 120_000);

type Json = Record<string, unknown>;

const encode = (value: Json | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decode = (part = ''): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;

/** The parts of the administrator's token. */
function parts(): { header: Json; claims: Json; signature: string } {
  const [header, claims, signature = ''] = admin.token.split('.');
  return { header: decode(header), claims: decode(claims), signature };
}

const stranger = newKeyPair();

/** A token with the given changes, signed by somebody else's key. */
function forged(header: Json = {}, claims: Json = {}): string {
  const live = parts();
  const input = `${encode({ ...live.header, ...header })}.${encode({ ...live.claims, ...claims })}`;
  const signature = sign('sha256', Buffer.from(input), { key: stranger.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** HS256 with public material as the secret: the classic confusion of algorithms. */
function hmac(secret: string | Buffer): string {
  const live = parts();
  const input = `${encode({ ...live.header, alg: 'HS256' })}.${encode(live.claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** Another text for the same bytes: the unused bits of the last character are set. */
function nonCanonical(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const last of alphabet) {
    const other = part.slice(0, -1) + last;
    if (other !== part && Buffer.from(other, 'base64url').equals(Buffer.from(part, 'base64url'))) return other;
  }
  throw new Error('this part has no other text');
}

function tampered(claims: Json): string {
  const [header, , signature] = admin.token.split('.');
  return `${header}.${encode({ ...parts().claims, ...claims })}.${signature}`;
}

const publicJwk = () => ({ ...stranger.publicKey.export({ format: 'jwk' }), alg: 'ES256' });
const now = () => Math.floor(Date.now() / 1000);

const attacks: readonly [string, () => string | Promise<string>][] = [
  ['alg none', () => `${encode({ ...parts().header, alg: 'none' })}.${encode(parts().claims)}.`],
  [
    'alg None with a signature',
    () => `${encode({ ...parts().header, alg: 'None' })}.${encode(parts().claims)}.${parts().signature}`,
  ],
  ['HS256 signed with the public key', () => hmac(JSON.stringify(keys[0]))],
  ['HS256 signed with the bytes of the public key', () => hmac(Buffer.from(`${keys[0]?.x}${keys[0]?.y}`, 'base64url'))],
  ['HS256 signed with an empty key', () => hmac('')],
  ['an unknown kid', () => forged({ kid: randomUUID() })],
  ['a kid that is a path', () => forged({ kid: '../../etc/passwd' })],
  ['a kid that is an object', () => forged({ kid: { toString: 1 } })],
  ['no kid', () => forged({ kid: undefined })],
  ['the known kid and another key', () => forged()],
  ['its own key in the header', () => forged({ jwk: publicJwk() })],
  ['its own key and kid in the header', () => forged({ jwk: publicJwk(), kid: 'mine' })],
  ['the address of its keys', () => forged({ jku: `${puerta.url}/.well-known/jwks.json` })],
  ['a certificate', () => forged({ x5c: ['MIIB'], x5u: 'https://example.com' })],
  ['a critical extension', () => forged({ crit: ['b64'], b64: false })],
  ['another typ', () => forged({ typ: 'JWT' })],
  ['another issuer', () => tampered({ iss: 'https://example.com' })],
  ['another audience', () => tampered({ aud: 'card-profile' })],
  ['a later end', () => tampered({ exp: now() + 86_400 })],
  ['another user', () => tampered({ sub: randomUUID() })],
  ['another company', () => tampered({ company_id: randomUUID() })],
  [
    'a signature of zeros',
    () => `${admin.token.split('.').slice(0, 2).join('.')}.${Buffer.alloc(64).toString('base64url')}`,
  ],
  ['no signature', () => `${admin.token.split('.').slice(0, 2).join('.')}.`],
  ['two parts', () => admin.token.split('.').slice(0, 2).join('.')],
  ['four parts', () => `${admin.token}.e30`],
  ['padding', () => `${admin.token}=`],
  [
    'a non-canonical signature',
    () => [...admin.token.split('.').slice(0, 2), nonCanonical(parts().signature)].join('.'),
  ],
  ['white space inside', () => admin.token.replace('.', ' .')],
  ['garbage', () => randomBytes(200).toString('base64url')],
  ['8 KiB', () => `${admin.token}${'A'.repeat(8_192)}`],
  ['a scan pass', () => scanPass(puerta, card)],
];

it.each(attacks)('refuses an access token with %s', async (_what, make) => {
  const answer = await puerta.api().get('/users/me', { token: await make() });
  expect(answer).toMatchObject({ status: 401, body: { code: 'access_token_invalid' } });
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
});

it('asks for a token where there is none', async () => {
  const claims: Record<string, string>[] = [
    {},
    { cookie: `access_token=${admin.token}` },
    { 'x-user-id': admin.userId, 'x-company-id': admin.companyId },
  ];
  for (const headers of claims) {
    expect(await puerta.api().get('/users/me', { headers })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
  }
  const inQuery = await puerta.api().get(`/users/me?access_token=${admin.token}`);
  expect(inQuery).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
});

it.each([
  ['two Authorization headers', ['authorization', 'Bearer TOKEN', 'authorization', 'Bearer TOKEN']],
  ['a good and a bad one', ['authorization', 'Bearer TOKEN', 'Authorization', 'Bearer x']],
  ['another scheme', ['authorization', 'Basic TOKEN']],
  ['no scheme', ['authorization', 'TOKEN']],
  ['two tokens', ['authorization', 'Bearer TOKEN, Bearer TOKEN']],
  ['two spaces', ['authorization', 'Bearer  TOKEN']],
])('refuses %s', async (_what, headers) => {
  const status = await new Promise<number>((resolve, reject) => {
    const raw = headers.map((value) => value.replaceAll('TOKEN', admin.token));
    httpRequest(`${puerta.url}/api/v1/users/me`, { headers: ['host', 'localhost', ...raw] }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(401);
});

it('refuses an access token as a scan pass', async () => {
  const answer = await puerta.api().get('/scan/profile', { token: admin.token });
  expect(answer.status).toBe(401);
  expectStatus(await puerta.api().get('/scan/profile', { token: await scanPass(puerta, card) }), 200);
});

it('believes no header about who asks', async () => {
  const headers = {
    'x-user-id': randomUUID(),
    'x-company-id': randomUUID(),
    'x-user-roles': 'owner',
    'x-puerta-actor': '{}',
  };
  const me = expectStatus(await puerta.api().get('/users/me', { token: admin.token, headers }), 200);
  expect(me).toMatchObject({ user_id: admin.userId });
});

it('reads roles from the membership as it is, within a second of a change, and never from the token', async () => {
  const other = await administrator(puerta.api());
  const set = (change: string) =>
    query(puerta.database.url, `UPDATE identity.memberships SET ${change} WHERE user_id = $1`, [other.userId]);
  expectStatus(await puerta.api().get('/cards', { token: other.token }), 200);
  const refused = async (code: string) => {
    const { status, body } = await puerta.api().get<{ code?: string }>('/cards', { token: other.token });
    return status === 403 && body.code === code;
  };
  await set(`role = 'door'`);
  await waitFor(() => refused('role_required'), 1_000);
  await set(`role = 'owner', status = 'suspended'`);
  await waitFor(() => refused('not_a_member'), 1_000);
});
