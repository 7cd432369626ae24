import type { FastifyInstance, RouteOptions } from 'fastify';
import { proxied } from '../../test/proxied';
import { exchange } from '../../test/raw-http';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';
import { Proxy } from './proxy';

const ORIGIN = 'https://app.example.com';

describe('the routes of the proxy', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;
  /** All that Fastify serves from when the proxy puts its routes in: its own, and then Nest's. */
  const served: RouteOptions[] = [];

  beforeAll(async () => {
    upstream = await TestUpstream.start();
    upstream.answer = (_request, response) => void response.end('reached');
    const install = jest.spyOn(Proxy.prototype, 'install');
    install.mockImplementation(function (this: Proxy, fastify: FastifyInstance) {
      fastify.addHook('onRoute', (route) => void served.push(route));
      install.mockRestore();
      this.install(fastify);
    });
    const route = (name: string, more: Parameters<typeof proxied>[1]) =>
      proxied(upstream.url, { name, prefix: `/api/v1/${name}`, ...more });
    gateway = await startTestGateway({ GATEWAY_CORS_ORIGINS: ORIGIN }, [
      route('query', {}),
      route('chief', { requirement: { guard: 'strict', leastRole: 'admin' } }),
      route('first', { requirement: { guard: 'initial' } }),
      route('open', { requirement: { guard: 'public' } }),
      route('get-only', { methods: ['GET'] }),
    ]);
  });

  beforeEach(() => {
    upstream.received.length = 0;
    gateway.facts = { user: 'active', session: 'active', email: ACTOR.email, role: 'owner' };
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const ask = async (method: string, path: string, lines = '', body = ''): Promise<string> => {
    const length = body ? `Content-Length: ${body.length}\r\n` : '';
    return exchange(
      gateway.url,
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}${lines}Connection: close\r\n\r\n${body}`,
    );
  };
  const statusOf = (answer: string): number => Number(answer.slice(9, 12));
  const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
  const GUARDED = ['/api/v1/query/a', '/api/v1/query', '/api/v1/chief/a', '/api/v1/first/a', '/api/v1/get-only/a'];

  it('are behind the early checks, all of them: without a token none reaches a service', async () => {
    const ours = served.filter(({ config }) => config?.proxied);
    expect(ours).toHaveLength(10);
    expect(served.length).toBeGreaterThan(50);
    for (const { method, url, config } of served) {
      const path = url.replace('*', 'x/y').replace(/:\w+/g, 'x');
      const open = config?.proxied?.requirement.guard === 'public';
      for (const one of [method].flat()) {
        upstream.received.length = 0;
        const status = statusOf(await ask(one, path));
        expect([one, path, upstream.received.length]).toEqual([one, path, open ? 1 : 0]);
        if (config?.proxied && !open) expect([one, path, status]).toEqual([one, path, 401]);
      }
    }
  });

  it.each([
    ['none, or one in the query', () => ''],
    ['an expired one', () => bearer(gateway.accessToken({}, { expiresIn: -60 }))],
    ['one for somebody else', () => bearer(gateway.accessToken({}, { audience: 'card-profile' }))],
    ['one of another kind', () => bearer(gateway.scanPass())],
    ['one that is signed by nobody', () => bearer(`${gateway.accessToken().split('.', 2).join('.')}.`)],
    ['one that is changed', () => bearer(gateway.accessToken().replace(/\.[^.]*\./, '.e30.'))],
    ['two', () => bearer(gateway.accessToken()).repeat(2)],
    ['one in a cookie', () => `Cookie: puerta_access=${gateway.accessToken()}\r\n`],
    ['one under another scheme', () => `Authorization: Token ${gateway.accessToken()}\r\n`],
    ['one that names its own header hop-by-hop', () => `Connection: authorization\r\n`],
    ['the headers that we would set', () => `X-User-ID: ${ACTOR.user_id}\r\nX-Company-ID: ${ACTOR.company_id}\r\n`],
  ])('are closed to who has %s', async (_, lines) => {
    for (const path of GUARDED) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
        const status = statusOf(
          await ask(method, `${path}?access_token=${gateway.accessToken()}`, lines(), method === 'POST' ? 'a' : ''),
        );
        expect([path, method, status]).toEqual([path, method, 401]);
      }
    }
    expect(upstream.received).toEqual([]);
  });

  it('are open to who may use them, and say how', async () => {
    for (const path of GUARDED) {
      expect([path, statusOf(await ask('GET', path, bearer(gateway.accessToken())))]).toEqual([path, 200]);
    }
    gateway.facts = { ...gateway.facts, role: 'member' };
    const answer = await ask(
      'GET',
      '/api/v1/chief/a',
      bearer(gateway.accessToken({}, { subject: '0197a3a0-0000-7000-8000-000000000002' })),
    );
    expect(statusOf(answer)).toBe(403);
  });

  it('need a company where they are strict', async () => {
    const token = gateway.accessToken(
      { company_id: null, roles: [] },
      { subject: '0197a3a0-0000-7000-8000-000000000003' },
    );
    gateway.facts = { ...gateway.facts, role: null };
    expect(statusOf(await ask('GET', '/api/v1/query/a', bearer(token)))).toBe(403);
    expect(statusOf(await ask('GET', '/api/v1/first/a', bearer(token)))).toBe(200);
    expect(upstream.last.headers).not.toHaveProperty('x-company-id');
    expect(upstream.last.headers).not.toHaveProperty('x-user-roles');
  });

  it('have their methods', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await ask(method, '/api/v1/get-only/a', bearer(gateway.accessToken()));
      expect([method, statusOf(answer)]).toEqual([method, 405]);
      expect(answer).toMatch(/\r\nallow: GET/i);
    }
    expect(statusOf(await ask('HEAD', '/api/v1/get-only/a', bearer(gateway.accessToken())))).toBe(200);
    for (const method of ['TRACE', 'PROPFIND', 'PURGE', 'CONNECT', 'QUERY', 'get']) {
      const answer = await ask(method, '/api/v1/query/a', bearer(gateway.accessToken()));
      // The last is none that Node knows.
      expect([method, statusOf(answer)]).toEqual([method, method === 'get' ? 400 : 405]);
    }
    expect(upstream.received).toHaveLength(1);
  });

  describe('that a browser asks about first', () => {
    const preflight = (path: string, origin: string): Promise<string> =>
      ask(
        'OPTIONS',
        path,
        `Origin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-theirs\r\n`,
      );

    it.each([...GUARDED, '/api/v1/open/a'])(
      'answer without the service, also of an origin that is not admitted: %s',
      async (path) => {
        const own = await preflight(path, ORIGIN);
        expect(statusOf(own)).toBe(204);
        expect(own).toContain(`access-control-allow-origin: ${ORIGIN}\r\n`);
        expect(own).toContain('access-control-allow-headers: x-theirs\r\n');
        for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`, '*']) {
          const other = await preflight(path, origin);
          expect([origin, statusOf(other), /access-control-/i.test(other)]).toEqual([origin, 204, false]);
        }
        expect(upstream.received).toEqual([]);
      },
    );

    it('leave any other OPTIONS to the service', async () => {
      await ask('OPTIONS', '/api/v1/query/a', bearer(gateway.accessToken()));
      await ask('OPTIONS', '/api/v1/query/a', `${bearer(gateway.accessToken())}Origin: ${ORIGIN}\r\n`);
      expect(upstream.received.map(({ method }) => method)).toEqual(['OPTIONS', 'OPTIONS']);
    });
  });
});
