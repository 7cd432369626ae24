import { KeyStore, TokenRejected, TokenVerifier } from '@puerta/auth';
import {
  KEY_USES,
  type IssueAccessTokenDto,
  type IssueAssertionDto,
  type IssueTicketsDto,
  MOST_TICKETS,
  type ServiceName,
  type TicketToSignDto,
  tokenServiceContract,
} from '@puerta/contracts';
import type { ServiceClient } from '@puerta/messaging';
import { randomBytes, randomUUID } from 'node:crypto';
import { ISSUER, TestTokenService } from '../test/token-service';

type Client = ServiceClient<typeof tokenServiceContract>;

let service: TestTokenService;
let gateway: Client;
let identity: Client;
let cardIssuer: Client;
let verifier: TokenVerifier<'access' | 'scan' | 'assertion' | 'ticket'>;

beforeAll(async () => {
  service = await TestTokenService.create();
  await Promise.all([service.start(), service.start()]);
  [gateway, identity, cardIssuer] = await Promise.all([
    service.as('gateway'),
    service.as('identity'),
    service.as('card-issuer'),
  ]);
  const keys = new KeyStore(() => gateway.request('keys.public', {}));
  const ticketKeys = new KeyStore(() => gateway.request('keys.public', { use: 'ticket' }));
  const assertionKeys = new KeyStore(() => gateway.request('keys.public', { use: 'assertion' }));
  verifier = new TokenVerifier({ access: keys, scan: keys, assertion: assertionKeys, ticket: ticketKeys }, ISSUER);
});

afterAll(() => service.close());

const request = (changes: Partial<IssueAccessTokenDto> = {}): IssueAccessTokenDto => ({
  user_id: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
  roles: ['admin'],
  session_id: randomUUID(),
  ...changes,
});

const shortId = (): string => randomBytes(16).toString('base64url');
const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

const ticket = (changes: Partial<TicketToSignDto> = {}): TicketToSignDto => ({
  ticket_id: shortId(),
  attendee_id: randomUUID(),
  attendee_name: 'Ana Pérez García',
  ticket_type: 'General',
  ...changes,
});

const order = (changes: Partial<IssueTicketsDto> = {}): IssueTicketsDto => ({
  event_id: shortId(),
  expires_at: inDays(30),
  tickets: [ticket()],
  ...changes,
});

const decoded = (token: string): { header: object; claims: Record<string, unknown> } => {
  const [header = '', claims = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header) as object, claims: JSON.parse(claims) as Record<string, unknown> };
};

describe('an access token', () => {
  it('has exactly these members', async () => {
    const asked = request();
    const { token, expires_in } = await identity.request('access-tokens.issue', asked);
    const { header, claims } = decoded(token);
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
    expect(claims).toEqual({
      iss: ISSUER,
      aud: 'puerta',
      sub: asked.user_id,
      email: 'ana@example.com',
      company_id: asked.company_id,
      roles: ['admin'],
      sid: asked.session_id,
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
    });
    expect(expires_in).toBe(900);
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(900);
    expect(Math.abs(Number(claims['iat']) - Date.now() / 1000)).toBeLessThan(2);
  });

  it.each([null, undefined])('has no company when there is none (%s)', async (company_id) => {
    const { token } = await identity.request('access-tokens.issue', request({ company_id, roles: [] }));
    expect(Object.keys(decoded(token).claims)).not.toContain('company_id');
    await expect(verifier.verify(token, 'access')).resolves.toMatchObject({ roles: [] });
  });

  it('is good for the verifier that all use, and never as a scan pass', async () => {
    const asked = request();
    const { token } = await identity.request('access-tokens.issue', asked);
    await expect(verifier.verify(token, 'access')).resolves.toMatchObject({
      sub: asked.user_id,
      sid: asked.session_id,
    });
    await expect(verifier.verify(token, 'scan')).rejects.toThrow(TokenRejected);
  });

  it('is accepted at its largest', async () => {
    const email = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.es`;
    const roles = ['member', 'door', 'issuer', 'admin', 'owner'] as const;
    const { token } = await identity.request('access-tokens.issue', request({ email, roles: [...roles] }));
    await expect(verifier.verify(token, 'access')).resolves.toMatchObject({ email });
  });

  it('has an identifier of its own each time', async () => {
    const asked = request();
    const issued = await Promise.all(Array.from({ length: 50 }, () => identity.request('access-tokens.issue', asked)));
    expect(new Set(issued.map(({ token }) => decoded(token).claims['jti'])).size).toBe(50);
  });
});

describe('a scan pass', () => {
  it('says nothing but which scan, and lives two minutes', async () => {
    const scan_id = randomUUID();
    const { token, expires_in } = await cardIssuer.request('scan-passes.issue', { scan_id });
    const { header, claims } = decoded(token);
    expect(header).toMatchObject({ alg: 'ES256', typ: 'scan+jwt' });
    expect(claims).toEqual({
      iss: ISSUER,
      aud: 'card-profile',
      sub: scan_id,
      iat: expect.any(Number),
      exp: Number(claims['iat']) + 120,
      jti: expect.any(String),
    });
    expect(expires_in).toBe(120);
    await expect(verifier.verify(token, 'scan')).resolves.toMatchObject({ sub: scan_id });
    await expect(verifier.verify(token, 'access')).rejects.toThrow(TokenRejected);
  });
});

const assertion = (changes: Partial<IssueAssertionDto> = {}): IssueAssertionDto => ({
  audience: 'query',
  user_id: randomUUID(),
  email: 'ana@example.com',
  company_id: randomUUID(),
  roles: ['admin'],
  ...changes,
});

describe('an assertion', () => {
  it('says who asks, for one service and half a minute, and no more', async () => {
    const asked = assertion();
    const { token, expires_in } = await gateway.request('assertions.issue', asked);
    const { header, claims } = decoded(token);
    expect(header).toEqual({
      ...{ alg: 'ES256', typ: 'puerta-assertion+jwt' },
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as string,
    });
    expect(claims).toEqual({
      ...{ iss: ISSUER, aud: 'query', sub: asked.user_id, email: 'ana@example.com', company_id: asked.company_id },
      ...{ roles: ['admin'], iat: expect.any(Number) as number, exp: Number(claims['iat']) + 30 },
      jti: expect.any(String) as string,
    });
    expect(expires_in).toBe(30);
    await expect(verifier.verify(token, 'assertion', 'query')).resolves.toMatchObject({ sub: asked.user_id });
    await expect(verifier.verify(token, 'assertion', 'ingest')).rejects.toMatchObject({ reason: 'audience' });
  });

  it('is signed by its own key, and opens nothing else', async () => {
    const { token } = await gateway.request('assertions.issue', assertion());
    const { kid } = decoded(token).header as { kid: string };
    for (const use of KEY_USES) {
      const { keys } = await gateway.request('keys.public', { use });
      expect(keys.some((key) => key.kid === kid)).toBe(use === 'assertion');
    }
    for (const kind of ['access', 'scan'] as const)
      await expect(verifier.verify(token, kind)).rejects.toMatchObject({ reason: 'type' });
  });

  it('named after the API is no access token either', async () => {
    const { token } = await gateway.request('assertions.issue', assertion({ audience: 'puerta' }));
    await expect(verifier.verify(token, 'access')).rejects.toThrow(TokenRejected);
  });

  it('has no company when there is none', async () => {
    const { token } = await gateway.request('assertions.issue', assertion({ company_id: null, roles: [] }));
    expect(Object.keys(decoded(token).claims)).not.toContain('company_id');
    await expect(verifier.verify(token, 'assertion', 'query')).resolves.toMatchObject({ roles: [] });
  });
});

describe('a ticket', () => {
  it('has the six claims of a ticket in their order, and no others', async () => {
    const asked = order({ expires_at: '2027-06-01T22:00:00.500Z' });
    const {
      tickets: [signed],
    } = await cardIssuer.request('tickets.issue', asked);
    const { header, claims } = decoded(signed?.token ?? '');
    expect(header).toEqual({ alg: 'ES256', typ: 'ticket+jwt', kid: expect.stringMatching(/^[\w-]{4}$/) });
    expect(Object.entries(claims)).toEqual([
      ['jti', asked.tickets[0]?.ticket_id],
      ['sub', asked.tickets[0]?.attendee_id],
      ['aud', asked.event_id],
      ['exp', Date.parse('2027-06-01T22:00:00Z') / 1_000],
      ['ticketType', 'General'],
      ['userName', 'Ana Pérez García'],
    ]);
  });

  it('is good for its event alone, by the keys of tickets alone', async () => {
    const asked = order({ tickets: [ticket({ attendee_id: shortId() })] });
    const {
      tickets: [signed],
    } = await cardIssuer.request('tickets.issue', asked);
    const { token = '', ticket_id } = signed ?? {};
    await expect(verifier.verify(token, 'ticket', asked.event_id)).resolves.toMatchObject({ jti: ticket_id });
    await expect(verifier.verify(token, 'ticket', shortId())).rejects.toMatchObject({ reason: 'audience' });
    for (const kind of ['access', 'scan'] as const) {
      await expect(verifier.verify(token, kind)).rejects.toMatchObject({ reason: 'type' });
    }
    const kids = async (use: 'access' | 'ticket') =>
      (await gateway.request('keys.public', { use })).keys.map(({ kid }) => kid);
    const { kid } = decoded(token).header as { kid: string };
    expect([(await kids('ticket')).includes(kid), (await kids('access')).includes(kid)]).toEqual([true, false]);
  });

  it('is signed with all of its order, in the order asked, up to a hundred of the largest', async () => {
    const largest = { attendee_name: '😀'.repeat(120), ticket_type: '😀'.repeat(120) };
    const asked = order({ tickets: Array.from({ length: MOST_TICKETS }, () => ticket(largest)) });
    const { tickets } = await cardIssuer.request('tickets.issue', asked);
    expect(tickets.map(({ ticket_id }) => ticket_id)).toEqual(asked.tickets.map(({ ticket_id }) => ticket_id));
    for (const { token } of [tickets[0], tickets.at(-1)].filter((one) => one !== undefined)) {
      const claims = await verifier.verify(token, 'ticket', asked.event_id);
      expect(claims.userName).toBe(largest.attendee_name);
    }
    expect(new Set(tickets.map(({ token }) => JSON.stringify(decoded(token).header))).size).toBe(1);
  });

  it('asked for again is as good, and its key is kept until it expires', async () => {
    const asked = order({ expires_at: inDays(700) });
    const both = await Promise.all([1, 2].map(() => cardIssuer.request('tickets.issue', asked)));
    const [one, two] = both.map(({ tickets }) => tickets[0]?.token ?? '');
    expect(decoded(one ?? '')).toEqual(decoded(two ?? ''));
    const [row] = await service.database.query<{ until: Date }[]>(
      `SELECT signed_until AS until FROM keys WHERE use = 'ticket' AND state = 'active'`,
    );
    expect(row?.until.getTime()).toBeGreaterThanOrEqual(Date.parse(asked.expires_at));
  });
});

describe('who may ask', () => {
  const signed = [
    ...(['access-tokens.issue', 'scan-passes.issue', 'assertions.issue'] as const),
    ...(['tickets.issue', 'keys.public'] as const),
  ];
  const questions = {
    'access-tokens.issue': request(),
    'scan-passes.issue': { scan_id: randomUUID() },
    'assertions.issue': assertion(),
    'tickets.issue': order(),
    'keys.public': {},
  };
  const callers: [ServiceName, () => Client][] = [
    ['gateway', () => gateway],
    ['identity', () => identity],
    ['card-issuer', () => cardIssuer],
  ];
  const cases = signed.flatMap((pattern) => callers.map(([caller, client]) => ({ pattern, caller, client })));

  it.each(cases)('$pattern by $caller', async ({ pattern, caller, client }) => {
    const admitted: readonly string[] = tokenServiceContract.patterns[pattern].callers;
    const asked = (client().request as (pattern: string, data: object) => Promise<object>)(pattern, questions[pattern]);
    await (admitted.includes(caller) ? expect(asked).resolves.toBeDefined() : expect(asked).rejects.toThrow());
  });
});

describe('junk', () => {
  const ask = (client: Client, pattern: string, data: unknown): Promise<object> =>
    (client.request as (pattern: string, data: unknown) => Promise<object>)(pattern, data);

  const junk: [string, unknown][] = [
    ['nothing', {}],
    ['an unknown field', { ...request(), admin: true }],
    ['a user that is no UUID', request({ user_id: 'root' })],
    ['a user that is a list', request({ user_id: [randomUUID()] as unknown as string })],
    ['a company that is an object', request({ company_id: {} as string })],
    ['an unknown role', request({ roles: ['god' as 'owner'] })],
    ['a role that is an object', request({ roles: [{} as 'owner'] })],
    ['a thousand roles', request({ roles: Array<'owner'>(1_000).fill('owner') })],
    ['no e-mail', request({ email: undefined })],
    ['an e-mail with a null byte', request({ email: 'ana\0@example.com' })],
    ['an e-mail of 10,000 characters', request({ email: `${'a'.repeat(10_000)}@example.com` })],
    ['claims of its own', { ...request(), exp: 9_999_999_999 }],
  ];

  it.each(junk)('to access-tokens.issue: %s', async (_, data) => {
    await expect(ask(identity, 'access-tokens.issue', data)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it.each([{}, { scan_id: '1' }, { scan_id: null }, { scan_id: randomUUID(), sub: 'x' }])(
    'to scan-passes.issue: %j',
    async (data) => {
      await expect(ask(cardIssuer, 'scan-passes.issue', data)).rejects.toMatchObject({ code: 'validation_failed' });
    },
  );

  it.each([
    ['nothing', {}],
    ['nobody to read it', assertion({ audience: undefined })],
    ['a list of services', assertion({ audience: ['query'] as unknown as string })],
    ['a service in capitals', assertion({ audience: 'Query' })],
    ['a service of 33 characters', assertion({ audience: 'q'.repeat(33) })],
    ['an address', assertion({ audience: 'http://query' })],
    ['a user that is no UUID', assertion({ user_id: 'root' })],
    ['an unknown role', assertion({ roles: ['god' as 'owner'] })],
    ['a life of its own', { ...assertion(), seconds: 900 }],
  ])('to assertions.issue: %s', async (_, data) => {
    await expect(ask(gateway, 'assertions.issue', data)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  const bad = (changes: Partial<TicketToSignDto>) => order({ tickets: [ticket(changes)] });
  const some = (count: number) => order({ tickets: Array.from({ length: count }, () => ticket()) });

  it.each([
    ['no tickets', some(0), 'tickets', 'wrong_count'],
    ['too many', some(MOST_TICKETS + 1), 'tickets', 'wrong_count'],
    ['no list', order({ tickets: {} as TicketToSignDto[] }), 'tickets', 'wrong_type'],
    ['a list of texts', order({ tickets: ['x'] as unknown as TicketToSignDto[] }), 'tickets', 'wrong_type'],
    ['an id that is a UUID', bad({ ticket_id: randomUUID() }), 'tickets.0.ticket_id', 'too_long'],
    ['an id with orphan bits', bad({ ticket_id: `${'A'.repeat(21)}B` }), 'tickets.0.ticket_id', 'bad_format'],
    ['an id of another form', order({ event_id: '+'.repeat(22) }), 'event_id', 'bad_format'],
    ['an attendee that is no id', bad({ attendee_id: 'a'.repeat(30) }), 'tickets.0.attendee_id', 'bad_format'],
    ['a name of 121 characters', bad({ attendee_name: 'a'.repeat(121) }), 'tickets.0.attendee_name', 'too_long'],
    [
      'a name that reads otherwise',
      bad({ attendee_name: 'A\u202eB' }),
      'tickets.0.attendee_name',
      'forbidden_characters',
    ],
    ['a claim of its own', bad({ exp: 1 } as Partial<TicketToSignDto>), 'tickets.0.exp', 'unknown_field'],
    ['an event in four years', order({ expires_at: inDays(4 * 365) }), 'expires_at', 'out_of_range'],
    ['a time without a zone', order({ expires_at: '2027-01-01T00:00:00' }), 'expires_at', 'bad_format'],
  ])('to tickets.issue: %s', async (_, data, field, code) => {
    const errors = [expect.objectContaining({ field, code })] as unknown;
    const asked = ask(cardIssuer, 'tickets.issue', data);
    await expect(asked).rejects.toMatchObject({ code: 'validation_failed', extra: { errors } });
  });

  it('to keys.public', async () => {
    await expect(ask(gateway, 'keys.public', { private: true })).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
