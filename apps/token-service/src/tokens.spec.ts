import { KeyStore, TokenRejected, TokenVerifier } from '@puerta/auth';
import { type IssueAccessTokenDto, type ServiceName, tokenServiceContract } from '@puerta/contracts';
import type { ServiceClient } from '@puerta/messaging';
import { randomUUID } from 'node:crypto';
import { ISSUER, TestTokenService } from '../test/token-service';

type Client = ServiceClient<typeof tokenServiceContract>;

let service: TestTokenService;
let gateway: Client;
let identity: Client;
let cardIssuer: Client;
let verifier: TokenVerifier<'access' | 'scan'>;

beforeAll(async () => {
  service = await TestTokenService.create();
  await Promise.all([service.start(), service.start()]);
  [gateway, identity, cardIssuer] = await Promise.all([service.as('gateway'), service.as('identity'), service.as('card-issuer')]);
  const keys = new KeyStore(() => gateway.request('keys.public', {}));
  verifier = new TokenVerifier({ access: keys, scan: keys }, ISSUER);
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
    await expect(verifier.verify(token, 'access')).resolves.toMatchObject({ sub: asked.user_id, sid: asked.session_id });
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

describe('who may ask', () => {
  const patterns = Object.keys(tokenServiceContract.patterns) as (keyof typeof tokenServiceContract.patterns)[];
  const questions = { 'access-tokens.issue': request(), 'scan-passes.issue': { scan_id: randomUUID() }, 'keys.public': {} };
  const callers: [ServiceName, () => Client][] = [
    ['gateway', () => gateway],
    ['identity', () => identity],
    ['card-issuer', () => cardIssuer],
  ];
  const cases = patterns.flatMap((pattern) => callers.map(([caller, client]) => ({ pattern, caller, client })));

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

  it.each([{}, { scan_id: '1' }, { scan_id: null }, { scan_id: randomUUID(), sub: 'x' }])('to scan-passes.issue: %j', async (data) => {
    await expect(ask(cardIssuer, 'scan-passes.issue', data)).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('to keys.public', async () => {
    await expect(ask(gateway, 'keys.public', { private: true })).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
