import { request } from 'node:http';
import { callContext } from '@puerta/messaging';
import { decodeError } from '@puerta/service/runtime';
import { answerOf, HttpClient, stopwatch } from '@puerta/testing';
import { rawRequest, sendRaw } from '../../test/raw-http';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { CONTROLLERS } from '../app.module';
import { Routes, routesOf } from '../routes/routes';

const ID = '01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11';
const CODE = 'AAAAAAAAAAAAAAAAAAAAAA';

/** All that anybody may ask; whoever opens one more says so here. */
const OPEN = [
  'GET /',
  'GET /.well-known/jwks.json',
  'GET /.well-known/ticket-jwks.json',
  'GET /.well-known/assertion-jwks.json',
  'GET /assets/puerta.css',
  'GET /docs',
  'GET /docs-json',
  'GET /docs/docs.js',
  'GET /docs/errors',
  'GET /docs/swagger-ui-bundle.js',
  'GET /docs/swagger-ui.css',
  'GET /favicon.ico',
  'GET /files/*',
  'GET /health',
  'GET /health/ready',
  'GET /profile',
  'GET /profile/pass.js',
  'GET /profile/profile.js',
  'GET /profile/texts.js',
  'GET /robots.txt',
  'GET /scan/:code',
  'HEAD /files/*',
  'HEAD /scan/:code',
  'POST /api/v1/users/login',
  'POST /api/v1/users/logout',
  'POST /api/v1/users/refresh',
  'POST /api/v1/users/register',
];

/** The address of a route, with every parameter filled in. */
const addressOf = (pattern: string): string => pattern.replace(':code', CODE).replace(/:\w+/g, ID);

describe('the guards', () => {
  let gateway: TestGateway;
  let http: HttpClient;

  beforeAll(async () => {
    gateway = await startTestGateway();
    http = new HttpClient(gateway.url);
  });

  afterAll(() => gateway.stop());

  beforeEach(() => {
    gateway.asked.length = 0;
    gateway.facts = { user: 'active', session: 'active', email: ACTOR.email, role: 'owner' };
  });

  const guarded = () =>
    gateway.app.get(Routes).all.filter(({ requirement }) => !['public', 'optional'].includes(requirement.guard));

  it('are on every route but these', () => {
    const open = gateway.app.get(Routes).all.filter((route) => !guarded().includes(route));
    expect(open.map(({ method, pattern }) => `${method} ${pattern}`).sort()).toEqual([...OPEN].sort());
  });

  it('know every route that Fastify serves, and no other', () => {
    const known = gateway.app.get(Routes);
    const served = gateway.app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false });
    for (const { method, pattern } of known.all) {
      expect(
        gateway.app
          .getHttpAdapter()
          .getInstance()
          .hasRoute({ method: method as 'GET', url: pattern }),
      ).toBe(true);
    }
    const leaves = served.match(/\((?:[A-Z]+(?:, )?)+\)/g) ?? [];
    const methods = leaves.flatMap((leaf) => leaf.slice(1, -1).split(', '));
    const heads = known.all.filter(({ method }) => method === 'GET').length;
    expect(methods.filter((method) => method === 'HEAD')).toHaveLength(heads);
    expect(methods.filter((method) => method !== 'HEAD')).toHaveLength(
      known.all.filter(({ method }) => method !== 'HEAD').length,
    );
  });

  it('know no route that a proxied one would not be kept apart from', () => {
    const apart = new Set(routesOf(CONTROLLERS).map(({ method, pattern }) => `${method} ${pattern}`));
    const served = gateway.app.get(Routes).all.map(({ method, pattern }) => `${method} ${pattern}`);
    expect(served.filter((route) => !apart.has(route))).toEqual([]);
  });

  it('refuse every route without a token, before the body is looked at', async () => {
    for (const { method, pattern } of guarded()) {
      const body = method === 'GET' ? undefined : 'not json at all';
      const answer = await http.request(method, addressOf(pattern), body, {
        headers: { 'content-type': 'text/plain' },
      });
      expect([pattern, answer.status, answer.body['code']]).toEqual([pattern, 401, 'unauthenticated']);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="puerta"');
    }
    expect(gateway.asked).toEqual([]);
  });

  it('let nobody pass by another spelling of an address', async () => {
    const spellings = (path: string): string[] => [
      `${path}/`,
      `//${path.slice(1)}`,
      path.replace(/\/([^/]*)$/, '//$1'),
      path.toUpperCase(),
      path.replace('/api', '/API'),
      path.replace(/\/([^/]*)$/, '%2F$1'),
      path.replace(/\/([^/]*)$/, '%2f$1'),
      `${path}%00`,
      `${path}%20`,
      `${path};a=b`,
      `${path}/.`,
      `/./${path.slice(1)}`,
      `/x/..${path}`,
      `${path}?`,
      `${path}#x`,
      `http://localhost${path}`,
      `http://localhost${path}/`,
      path.replace('users', 'user%73'),
      path.replace('cards', '%63ards'),
      `${path}\\`,
      `${path}..;/`,
      `${path}.json`,
    ];
    for (const { method, pattern } of guarded()) {
      for (const path of spellings(addressOf(pattern))) {
        for (const verb of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
          const bytes = rawRequest({
            method: verb,
            path,
            headers: ['Content-Type: application/json'],
            ...(verb === 'HEAD' ? {} : { body: '{}' }),
          });
          const status =
            verb === 'HEAD' ? await statusOfHead(gateway.url, path) : (await sendRaw(gateway.url, bytes)).status;
          // 308 leads to the address without the slash, where the guards are.
          expect([308, 400, 401, 404, 405, 414]).toContain(status);
        }
      }
    }
    expect(gateway.asked).toEqual([]);
  });

  it('let nobody pass by a header that names another address or method', async () => {
    const headers = {
      'x-original-url': '/health',
      'x-rewrite-url': '/health',
      'x-http-method-override': 'OPTIONS',
      'x-forwarded-prefix': '/health',
      'accept-version': '2',
      'x-user-id': ACTOR.user_id,
      'x-company-id': ACTOR.company_id,
      'x-puerta-actor': '{}',
    };
    expect((await http.get('/api/v1/users/me', { headers })).status).toBe(401);
  });

  it('refuse a preflight nothing, and do not take OPTIONS for a way around', async () => {
    for (const { pattern } of guarded()) {
      const answer = await http.request('OPTIONS', addressOf(pattern), undefined);
      expect([answer.status, answer.body]).toEqual([204, expect.anything()]);
    }
    expect(gateway.asked).toEqual([]);
  });

  it('say who asks to the service', async () => {
    gateway.fakes.set('users.me', () => answerOf('getMe'));
    await http.get('/api/v1/users/me', { token: gateway.accessToken() });
    expect(gateway.asked[0]?.options?.actor).toEqual({ ...ACTOR, role: 'owner' });
  });

  it('name nobody on open routes, whatever token is sent', async () => {
    gateway.fakes.set('users.login', () => answerOf('login'));
    await http.post(
      '/api/v1/users/login',
      { email: 'ana@example.com', password: 'x' },
      { token: gateway.accessToken() },
    );
    expect(gateway.asked[0]?.options?.actor).toBeUndefined();
  });

  it('take logout with or without a token, but not with a bad one', async () => {
    gateway.fakes.set('sessions.end', () => ({ done: true }));
    expect((await http.post('/api/v1/users/logout', undefined, { token: gateway.accessToken() })).status).toBe(204);
    expect((await http.post('/api/v1/users/logout', { refresh_token: 'A'.repeat(43) })).status).toBe(204);
    expect((await http.post('/api/v1/users/logout', undefined, { token: 'x.y.z' })).status).toBe(401);
    expect(gateway.asked.map(({ options }) => options?.actor !== undefined)).toEqual([true, false]);
  });

  it.each<[what: string, facts: object, claims: object, status: number, code: string]>([
    ['a user who is gone', { user: 'unknown' }, {}, 401, 'access_token_invalid'],
    ['a user who was shut out', { user: 'inactive' }, {}, 401, 'session_revoked'],
    ['a session that ended', { session: 'revoked' }, {}, 401, 'session_revoked'],
    ['a token without a company', { role: null }, { company_id: null }, 403, 'company_required'],
    ['somebody who left the company', { role: null }, {}, 403, 'not_a_member'],
    ['a role that is too small', { role: 'door' }, { roles: ['owner'] }, 403, 'role_required'],
  ])('refuse %s', async (_what, facts, claims, status, code) => {
    gateway.facts = { ...gateway.facts, ...facts };
    const answer = await http.get('/api/v1/cards', { token: gateway.accessToken(claims) });
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect(gateway.asked).toEqual([]);
  });

  it('refuse a scan pass as an access token and the reverse', async () => {
    const asAccess = await http.get('/api/v1/users/me', { token: gateway.scanPass() });
    expect([asAccess.status, asAccess.body['code']]).toEqual([401, 'access_token_invalid']);
    const asPass = await http.get('/api/v1/scan/profile', { token: gateway.accessToken() });
    expect([asPass.status, asPass.body['code']]).toEqual([401, 'access_token_invalid']);
  });

  it('answer 503 within a second when nobody can tell', async () => {
    const facts = gateway.fakes.get('access.check');
    for (const away of [
      () => {
        throw decodeError({ code: 'service_unavailable' });
      },
      () => new Promise(() => undefined),
    ]) {
      gateway.fakes.set('access.check', away);
      const elapsed = stopwatch();
      const answer = await http.get('/api/v1/users/me', { token: gateway.accessToken() });
      expect(answer).toMatchObject({ status: 503, body: { code: 'auth_unavailable' } });
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(elapsed()).toBeLessThan(1_000);
    }
    gateway.fakes.set('access.check', facts ?? (() => undefined));
  });

  it('ask for the facts once for each request', async () => {
    gateway.fakes.set('users.me', () => answerOf('getMe'));
    let times = 0;
    const facts = gateway.fakes.get('access.check');
    gateway.fakes.set('access.check', (data) => {
      times += 1;
      return facts?.(data);
    });
    await http.get('/api/v1/users/me', { token: gateway.accessToken() });
    expect(times).toBe(1);
    gateway.fakes.set('access.check', facts ?? (() => undefined));
  });

  it('carry the request id and the trace into the calls made for a request, also after a body was read', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const seen: unknown[] = [];
    gateway.fakes.set('users.update-me', () => {
      seen.push(callContext.getStore());
      return answerOf('updateMe');
    });
    const headers = { 'x-request-id': 'my-request', traceparent };
    const answer = await http.patch('/api/v1/users/me', { name: 'Ana' }, { token: gateway.accessToken(), headers });
    expect(answer.headers.get('x-request-id')).toBe('my-request');
    expect(seen).toEqual([
      {
        requestId: 'my-request',
        traceparent: expect.stringMatching(/^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)/),
      },
    ]);
  });

  it('make a new request id where the given one is not a plain word', async () => {
    for (const id of ['two words', 'x'.repeat(65), '<script>', 'a/b']) {
      const answer = await http.get('/health', { headers: { 'x-request-id': id } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    }
  });
});

async function statusOfHead(url: string, path: string): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, method: 'HEAD' }, (response) => resolve(response.statusCode ?? 0))
      .on('error', reject)
      .end();
  });
}
