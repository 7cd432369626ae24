import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpClient } from '@puerta/testing';
import { startTestGateway, type TestGateway } from '../../test/test-gateway';
import { HEADERS } from '../docs/headers';
import { Routes } from '../routes/routes';
import { EXPOSED_HEADERS } from './header-names';

const ORIGIN = 'https://app.example.com';

describe('CORS', () => {
  let gateway: TestGateway;
  let http: HttpClient;

  beforeAll(async () => {
    gateway = await startTestGateway({
      GATEWAY_CORS_ORIGINS: `${ORIGIN},http://localhost:3000`,
      VERCEL_FRONTEND_URL: 'https://puerta.vercel.app',
    });
    http = new HttpClient(gateway.url);
  });

  afterAll(() => gateway.stop());

  const corsHeaders = (headers: Headers): string[] =>
    [...headers.keys()].filter((name) => name.startsWith('access-control'));
  const preflight = (origin: string, path = '/api/v1/cards') =>
    http.request('OPTIONS', path, undefined, {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it('answers a preflight without a token, for browsers to keep', async () => {
    const answer = await preflight(ORIGIN);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST, PATCH, PUT, DELETE',
      'access-control-max-age': '600',
      'cache-control': 'public, max-age=600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/Authorization.*Content-Type.*Idempotency-Key/);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
  });

  it('lets the page read the answer and the headers that matter, also of an error', async () => {
    for (const path of ['/health', '/api/v1/users/me', '/api/v1/nothing']) {
      const { headers } = await http.get(path, { headers: { origin: 'https://puerta.vercel.app' } });
      expect(headers.get('access-control-allow-origin')).toBe('https://puerta.vercel.app');
      expect(headers.get('vary')).toMatch(/^Origin/);
      for (const exposed of [
        'X-Request-ID',
        'Retry-After',
        'ETag',
        'RateLimit',
        'RateLimit-Policy',
        'Server-Timing',
        'Location',
      ]) {
        expect(headers.get('access-control-expose-headers')?.split(', ')).toContain(exposed);
      }
    }
  });

  it.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://APP.example.com',
    'http://localhost:3001',
    'null',
    '*',
    'https://app.example.com, https://evil.example.com',
  ])('gives %s no CORS header at all', async (origin) => {
    const answers = [await preflight(origin), await http.get('/health', { headers: { origin } })];
    for (const { headers } of answers) {
      expect(corsHeaders(headers)).toEqual([]);
      expect(headers.get('vary')).toMatch(/^Origin/);
    }
    expect(answers[0]?.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST');
  });

  it('lets a page send every header that a route reads, and ask again only for what has changed', async () => {
    const read = await headersReadByAnyRoute(gateway);
    expect([...read]).toEqual(expect.arrayContaining(['accept-language', 'idempotency-key', 'if-none-match']));
    const allowed = await allowedHeaders();
    const settable = [...read].filter((name) => !FORBIDDEN.test(name));
    expect(settable.filter((name) => !allowed.includes(name))).toEqual([]);
    // And none that nobody reads. Tokens are read where repeated headers are seen; tracestate belongs to traceparent.
    const others = ['authorization', 'tracestate'];
    expect(allowed.filter((name) => !read.has(name) && !others.includes(name))).toEqual([]);
  });

  it('lets a page read every header that is described', () => {
    expect(EXPOSED_HEADERS).toEqual(expect.arrayContaining(Object.keys(HEADERS)));
  });

  const allowedHeaders = async (): Promise<string[]> => {
    const { headers } = await preflight(ORIGIN);
    return (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(', ');
  };

  it('gives none to who names no origin', async () => {
    expect(corsHeaders((await http.get('/health')).headers)).toEqual([]);
  });
});

/** What no page can set (Fetch standard, "forbidden request-header"), and what Fastify's router looks at for itself. */
const FORBIDDEN =
  /^(host|origin|connection|content-length|transfer-encoding|expect|accept-version|access-control-request-(method|headers))$/;

/** Asks each route, and notes the names of the headers that are looked at. */
async function headersReadByAnyRoute(gateway: TestGateway): Promise<ReadonlySet<string>> {
  const read = new Set<string>();
  const note = (request: IncomingMessage): void => {
    const get = (headers: object, name: string | symbol): unknown => {
      if (typeof name === 'string') read.add(name);
      return Reflect.get(headers, name) as unknown;
    };
    Object.defineProperty(request, 'headers', { value: new Proxy(request.headers, { get }) });
  };
  const server = gateway.app.getHttpServer();
  server.prependListener('request', note);
  const token = gateway.accessToken();
  for (const { method, pattern, file, takesBody } of gateway.app.get(Routes).all) {
    const body = takesBody ? { body: '{}', headers: { 'content-type': file ? 'image/png' : 'application/json' } } : {};
    const address = gateway.url + pattern.replace(/:code/, 'A'.repeat(22)).replace(/:\w+|\*/g, randomUUID());
    const headers = { ...body.headers, authorization: `Bearer ${token}` };
    await fetch(address, { ...body, method, headers, redirect: 'manual' });
  }
  server.off('request', note);
  return read;
}
