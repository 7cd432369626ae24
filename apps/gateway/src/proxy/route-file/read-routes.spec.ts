import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '@puerta/config';
import { routesConfig } from '../../config';
import { readRoutes, requireApart } from './read-routes';

const OWN = [{ method: 'GET', pattern: '/api/v1/users/me' }];
const SERVICES = {
  GATEWAY_INGEST_SERVICE_URL: 'http://ingest:80',
  GATEWAY_QUERY_SERVICE_URL: 'http://query:8000',
  GATEWAY_AUTH_SERVICE_URL: 'http://auth:8000',
};

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-routes-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (text: string | Buffer): string => {
  const file = join(folder, 'routes.yaml');
  writeFileSync(file, text);
  return file;
};

const read = (environ: Record<string, string>) =>
  readRoutes(loadConfig(routesConfig, { NODE_ENV: 'development', ...environ }), OWN);

const refusals = (environ: Record<string, string>): string[] => {
  try {
    read(environ);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ variable, problem }) => `${variable} ${problem}`);
  }
  return [];
};

describe('the routes of variables', () => {
  it('are none where nothing is set', () => {
    expect(read({})).toEqual([]);
  });

  it('let members in to ingest and query, and anybody to auth, which nothing is told of them', () => {
    const routes = read({ ...SERVICES, GATEWAY_HTTP_CLIENT_TIMEOUT: '7' });
    expect(routes.map(({ name, prefix, targets, requirement }) => ({ name, prefix, targets, requirement }))).toEqual([
      {
        name: 'ingest',
        prefix: '/api/v1/ingest',
        targets: ['http://ingest'],
        requirement: { guard: 'strict', leastRole: 'member' },
      },
      {
        name: 'query',
        prefix: '/api/v1/query',
        targets: ['http://query:8000'],
        requirement: { guard: 'strict', leastRole: 'member' },
      },
      { name: 'auth', prefix: '/api/v1/auth', targets: ['http://auth:8000'], requirement: { guard: 'public' } },
    ]);
    const times = { connectMs: 7_000, headersMs: 7_000, idleMs: 7_000, wholeMs: undefined };
    for (const { timeouts, assertion } of routes)
      expect({ timeouts, assertion }).toEqual({ timeouts: times, assertion: false });
    expect(routes.map(({ pass }) => pass.authorization)).toEqual([false, false, true]);
  });

  it.each([
    ['http://localhost:8080', {}],
    ['http://127.0.0.1:8080', {}],
    ['http://127.9.9.9:8080', {}],
    ['http://[::1]:8080', {}],
    ['http://[::ffff:7f00:1]:8080', {}],
    ['http://gateway.localhost:8080', {}],
    ['http://localhost.:8080', {}],
    ['http://0.0.0.0:8080', {}],
    ['http://localhost', { PORT: '80' }],
    ['http://10.0.0.7:9090', { HOST: '10.0.0.7', PORT: '9090' }],
    ['http://localhost:9464', { INTERNAL_PORT: '9464' }],
    ['https://puerta.example.com', { PUBLIC_URL: 'https://puerta.example.com/base' }],
  ])('do not lead back to the gateway itself: %s with %j', (target, environ) => {
    expect(refusals({ GATEWAY_QUERY_SERVICE_URL: target, ...environ })).toEqual([
      'GATEWAY_QUERY_SERVICE_URL is the gateway itself',
    ]);
  });

  it('may lead to another port of the same machine', () => {
    expect(
      read({ GATEWAY_QUERY_SERVICE_URL: 'http://localhost:8001', PUBLIC_URL: 'http://localhost:8080' }),
    ).toHaveLength(1);
  });
});

describe('the route file', () => {
  const good = 'routes: [{ name: reports, prefix: /api/v1/reports, target: http://reports, guard: initial }]';

  it('adds its routes to those of the variables', () => {
    const routes = read({ ...SERVICES, GATEWAY_ROUTES_FILE: written(good) });
    expect(routes.map(({ name }) => name)).toEqual(['ingest', 'query', 'auth', 'reports']);
  });

  it('may set a prefix of a variable that is not set', () => {
    const file = written(good.replace('/reports,', '/query,'));
    expect(read({ GATEWAY_ROUTES_FILE: file })).toHaveLength(1);
    expect(refusals({ ...SERVICES, GATEWAY_ROUTES_FILE: file })).toEqual([
      `GATEWAY_ROUTES_FILE ${file}:1:35: routes[0].prefix: is that of the route of GATEWAY_QUERY_SERVICE_URL`,
    ]);
  });

  it('has everything that is wrong told at once, with what is wrong with the variables', () => {
    const file = written(good.replace('/reports,', '/users,').replace('initial', 'none'));
    expect(refusals({ GATEWAY_INGEST_SERVICE_URL: 'http://localhost:8080', GATEWAY_ROUTES_FILE: file })).toEqual([
      'GATEWAY_INGEST_SERVICE_URL is the gateway itself',
      `GATEWAY_ROUTES_FILE ${file}:1:35: routes[0].prefix: overlaps GET /api/v1/users/me, which is Puerta's own`,
      `GATEWAY_ROUTES_FILE ${file}:1:81: routes[0].guard: is not one of public, initial, strict`,
    ]);
  });

  it('does not lead back to the gateway itself', () => {
    const file = written(good.replace('http://reports', 'http://localhost:8080'));
    expect(refusals({ GATEWAY_ROUTES_FILE: file })).toEqual([
      `GATEWAY_ROUTES_FILE ${file}:1:60: routes[0].target: is the gateway itself`,
    ]);
  });

  it('must be there, a file, of a sensible size, in UTF-8', () => {
    const problem = (file: string): string => refusals({ GATEWAY_ROUTES_FILE: file })[0]?.split(': ').at(-1) ?? '';
    expect(problem(join(folder, 'nothing.yaml'))).toBe('cannot be read (ENOENT)');
    mkdirSync(join(folder, 'folder'));
    expect(problem(join(folder, 'folder'))).toBe('is no file');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(problem(join(folder, 'pipe'))).toBe('is no file');
    expect(problem('/dev/zero')).toBe('is no file');
    expect(problem(written(`${good}\n# ${'x'.repeat(10_000_000)}`))).toBe('is larger than 64 KiB');
    expect(problem(written(Buffer.concat([Buffer.from(good), Buffer.from([0x0a, 0x23, 0xff])])))).toBe('is not UTF-8');
    expect(problem(written(`${good}\n# ${'x'.repeat(65_536 - good.length - 3)}`))).toBe('');
  });
});

it('keeps a route that overlaps one of the gateway from being served, however it came about', () => {
  const routes = read(SERVICES);
  expect(() => requireApart(routes, OWN)).not.toThrow();
  expect(() => requireApart(routes, [...OWN, { method: 'POST', pattern: '/api/v1/query/:id' }])).toThrow(
    "the route query overlaps POST /api/v1/query/:id, which is Puerta's own",
  );
});
