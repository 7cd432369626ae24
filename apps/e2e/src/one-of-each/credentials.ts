import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { KeyStore, TokenVerifier } from '@puerta/auth';
import { type Card, type CreatedToken, type KeySet, type SignedTickets, tokenServiceContract } from '@puerta/contracts';
import { type BusClient, ServiceClient } from '@puerta/messaging';
import type { Answer, HttpClient, Puerta } from '@puerta/testing';
import { askAs } from '../support/bus';
import { type Administrator, administrator, expectStatus, issueCard, register, scanPass } from '../support/people';
import { single } from '../support/shared-puerta';

let puerta: Puerta;
let api: HttpClient;
let admin: Administrator;
let card: Card;
let buses: BusClient[];
let gateway: ServiceClient<typeof tokenServiceContract>;
let identity: ServiceClient<typeof tokenServiceContract>;
let cardIssuer: ServiceClient<typeof tokenServiceContract>;

const EVENT = randomBytes(16).toString('base64url');
const binding = (): { purpose: string; subject: string } => ({ purpose: 'door', subject: randomUUID() });

/** A live one of every kind of credential, by what it is. */
const credentials: Record<string, string> = {};

/** Of the code that is tried, among the credentials. */
const own = binding();

beforeAll(async () => {
  puerta = await single.start();
  api = puerta.api();
  admin = await administrator(api);
  buses = await Promise.all([askAs('gateway', puerta), askAs('identity', puerta), askAs('card-issuer', puerta)]);
  [gateway, identity, cardIssuer] = buses.map((bus) => new ServiceClient(bus, tokenServiceContract)) as [
    typeof gateway,
    typeof identity,
    typeof cardIssuer,
  ];
  card = await issueCard(api, admin.token);
  const ticket = {
    ticket_id: randomBytes(16).toString('base64url'),
    attendee_id: randomUUID(),
    attendee_name: 'Ana',
    ticket_type: 'VIP',
  };
  const order = { event_id: EVENT, expires_at: new Date(Date.now() + 86_400_000).toISOString(), tickets: [ticket] };
  const invited = { email: `${randomUUID()}@example.com`, role: 'member', any_email: true };
  Object.assign(credentials, {
    'an access token': admin.token,
    'an access token by a shared secret': bySecret(admin.token),
    'a refresh token': (await register(api)).refresh_token,
    'a ticket': ((await cardIssuer.request('tickets.issue', order)) as SignedTickets).tickets[0]?.token,
    'the code of a card': new URL((await issueCard(api, admin.token)).scan_url).pathname.split('/').at(-1),
    'a single-use token': await made({ ttl_seconds: 600 }),
    'a single-use code': await made({ ttl_seconds: 600, format: 'code', ...own }),
    'a token of identity': (await identity.request('single-use-tokens.issue', { ttl_seconds: 600 })).token,
    'a token of the card-issuer': (await cardIssuer.request('single-use-tokens.issue', { ttl_seconds: 600 })).token,
    'an invitation': expectStatus(
      await api.post<{ invitation: string }>(`/companies/${admin.companyId}/invitations`, invited, {
        token: admin.token,
      }),
      201,
    ).invitation,
  });
}, 120_000);

afterAll(async () => {
  await Promise.all((buses ?? []).map((bus) => bus.close()));
});

/** They live for seconds here. */
beforeEach(async () => {
  credentials['a scan pass'] = await scanPass(puerta, card);
  const ana = {
    user_id: randomUUID(),
    email: 'ana@example.com',
    company_id: admin.companyId,
    roles: ['owner' as const],
  };
  credentials['an assertion'] = (await gateway.request('assertions.issue', { ...ana, audience: 'puerta' })).token;
});

/** What somebody with a secret of their own would send. */
function bySecret(token: string): string {
  const header = { alg: 'HS256', typ: 'at+jwt', kid: randomBytes(32).toString('base64url') };
  const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${token.split('.')[1]}`;
  return `${input}.${createHmac('sha256', randomBytes(32)).update(input).digest('base64url')}`;
}

async function made(wanted: object): Promise<string> {
  return expectStatus(await api.post<CreatedToken>('/token/create', wanted, { token: admin.token }), 201).token;
}

/** Whether it was taken. Nothing that is presented may be a failure of ours. */
function taken({ status, body }: Answer<unknown>): boolean {
  if (status >= 500 || status === 429) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return status < 400;
}

const redeemed = (service: ServiceClient<typeof tokenServiceContract>, token: string): Promise<boolean> =>
  service.request('single-use-tokens.redeem', { token }).then(
    () => true,
    () => false,
  );

/** A refused code counts as a guess at its subject: each time another one has a live code. */
async function asCode(token: string): Promise<boolean> {
  const bound = token === credentials['a single-use code'] ? own : binding();
  if (bound !== own) await made({ ttl_seconds: 600, format: 'code', ...bound });
  return taken(await api.post('/token/validate', { token, ...bound }, { token: admin.token }));
}

async function asAssertion(token: string): Promise<boolean> {
  const keys = new KeyStore(async () => (await puerta.http().get<KeySet>('/.well-known/assertion-jwks.json')).body);
  const verifier = new TokenVerifier({ assertion: keys }, puerta.url);
  return verifier.verify(token, 'assertion', 'puerta').then(
    () => true,
    () => false,
  );
}

async function asTicket(token: string): Promise<boolean> {
  const keys = new KeyStore(async () => (await puerta.http().get<KeySet>('/.well-known/ticket-jwks.json')).body);
  const verifier = new TokenVerifier({ ticket: keys }, puerta.url);
  return verifier.verify(token, 'ticket', EVENT).then(
    () => true,
    () => false,
  );
}

async function asInvitation(invitation: string): Promise<boolean> {
  const { access_token: token } = await register(api);
  return taken(await api.post('/users/me/ensure-company', { invitation }, { token }));
}

/** Everything that takes a credential, by the one that it takes. */
const takers: Readonly<Record<string, (credential: string) => Promise<boolean>>> = {
  'an access token': async (token) => taken(await api.get('/users/me', { token })),
  'a scan pass': async (token) => taken(await api.get('/scan/profile', { token })),
  'a refresh token': async (token) => taken(await api.post('/users/refresh', { refresh_token: token })),
  'an assertion': asAssertion,
  'a ticket': asTicket,
  'the code of a card': async (code) => taken(await puerta.http().get(`/scan/${encodeURIComponent(code)}`)),
  'a single-use token': async (token) => taken(await api.post('/token/validate', { token }, { token: admin.token })),
  'a single-use code': asCode,
  'a token of identity': (token) => redeemed(identity, token),
  'a token of the card-issuer': (token) => redeemed(cardIssuer, token),
  'an invitation': asInvitation,
};

describe.each(Object.keys(takers))('what takes %s', (kind) => {
  it('takes nothing else', async () => {
    const wrong: string[] = [];
    for (const [name, credential] of Object.entries(credentials)) {
      if (name !== kind && (await takers[kind]?.(credential))) wrong.push(name);
    }
    expect(Object.values(credentials).filter(Boolean)).toHaveLength(12);
    expect(wrong).toEqual([]);
  });
});

it('nothing of that used a credential up: each is taken where it belongs', async () => {
  const others = Object.entries(takers).filter(([name]) => name !== 'a scan pass');
  for (const [, take] of others) await take(credentials['a scan pass'] ?? '');
  for (const [name, take] of Object.entries(takers)) {
    expect([name, await take(credentials[name] ?? '')]).toEqual([name, true]);
  }
});
