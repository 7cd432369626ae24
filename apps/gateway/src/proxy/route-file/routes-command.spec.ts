import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadConfig } from '@puerta/config';
import fc from 'fast-check';
import { CONTROLLERS } from '../../app.module';
import { routesConfig } from '../../config';
import { routesOf } from '../../routes/routes';
import { readRouteFile, readRoutes } from './read-routes';
import { ROUTE_FIELDS } from './route-fields';
import { routesAsFile } from './routes-text';
import { routesCommand, type Said } from './routes-command';
import { durationText, parseDuration, parseSize, sizeText } from './units';

const WORKSPACE = resolve(__dirname, '../../../../..');
const OWN = routesOf(CONTROLLERS);
const SERVICES = {
  GATEWAY_INGEST_SERVICE_URL: 'http://ingest',
  GATEWAY_QUERY_SERVICE_URL: 'http://query',
  GATEWAY_AUTH_SERVICE_URL: 'http://auth',
};

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-routes-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (text: string): string => {
  const file = join(folder, 'routes.yaml');
  writeFileSync(file, text);
  return file;
};
const configOf = (environ: Record<string, string> = {}) => loadConfig(routesConfig, environ);
const routes = (args: string[], environ: Record<string, string> = {}): Said =>
  routesCommand(args, () => configOf(environ), OWN);

const good = 'routes: [{ name: reports, prefix: /api/v1/reports, target: http://reports, guard: initial }]';
const bad = 'routes:\n  - name: reports\n    prefix: /api/v1/users\n    target: http://reports\n    guard: maybe\n';

describe('npm run routes -- check', () => {
  it('says that a file is good', () => {
    const file = written(good);
    const said = { code: 0, out: `${file} is good: 1 route\n` };
    expect(routes(['check', file])).toEqual(said);
    expect(routes(['check'], { GATEWAY_ROUTES_FILE: file })).toEqual(said);
  });

  it('says what is wrong with it, a line each', () => {
    const file = written(bad);
    expect(routes(['check', file])).toEqual({
      code: 1,
      err:
        `${file}:3:13: routes[0].prefix: overlaps POST /api/v1/users/register, which is Puerta's own\n` +
        `${file}:5:12: routes[0].guard: is not one of public, initial, strict\n`,
    });
    expect(routes(['check', join(folder, 'none')])).toEqual({
      code: 1,
      err: `${join(folder, 'none')}: cannot be read (ENOENT)\n`,
    });
  });

  it('counts what the environment sets', () => {
    const file = written(good.replace('/reports,', '/query,'));
    expect(routes(['check', file]).code).toBe(0);
    expect(routes(['check', file], SERVICES)).toMatchObject({ code: 1, err: expect.stringContaining('GATEWAY_QUERY') });
  });

  it('knows a variable that leads back to the gateway', () => {
    expect(routes(['check', written(good)], { GATEWAY_QUERY_SERVICE_URL: 'http://localhost:8080' })).toEqual({
      code: 78,
      err: expect.stringContaining('GATEWAY_QUERY_SERVICE_URL is the gateway itself'),
    });
  });
});

describe('npm run routes -- print', () => {
  it('shows every route and all that is decided about it', () => {
    expect(routes(['print', written(good)], { GATEWAY_AUTH_SERVICE_URL: 'http://auth' })).toEqual({
      code: 0,
      out: `/api/v1/auth (auth)
  targets             http://auth
  guard               public
  methods             GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
  body limit          1 GiB
  retries             1
  pass                authorization
  assertion           no
  encoded slashes     no
  timeout connect     1m
  timeout headers     1m
  timeout idle        1m
  timeout whole       none
  limits              none

/api/v1/reports (reports)
  targets             http://reports
  guard               initial
  methods             GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
  body limit          1 GiB
  retries             1
  pass                none
  assertion           no
  encoded slashes     no
  timeout connect     1m
  timeout headers     1m
  timeout idle        1m
  timeout whole       none
  limits              none
`,
    });
  });

  it('needs nothing to be set', () => {
    expect(routes(['print'])).toEqual({ code: 0, out: 'there are no routes to services behind the gateway\n' });
  });

  it('says what is wrong instead', () => {
    expect(routes(['print', written(bad)])).toMatchObject({ code: 1, err: expect.stringContaining(':5:12: ') });
  });

  it('prints a route file that says the same', () => {
    const file = join(WORKSPACE, 'examples/routes.yaml');
    const config = configOf({ ...SERVICES, GATEWAY_ROUTES_FILE: file });
    const { out = '' } = routes(['print', '--json'], { ...SERVICES, GATEWAY_ROUTES_FILE: file });
    const again = readRouteFile(written(out), configOf({ GATEWAY_HTTP_CLIENT_TIMEOUT: '1' }), OWN);
    expect(again).toEqual({ routes: readRoutes(config, OWN), problems: [] });
    expect(again.routes.length).toBeGreaterThan(3);
  });
});

describe('npm run routes', () => {
  it('helps', () => {
    for (const args of [[], ['--help'], ['-h'], ['check', '--help']]) {
      expect(routes(args)).toEqual({
        code: 0,
        out: expect.stringMatching(/^The routes to services.*\n\n.*check \[FILE\]/s),
      });
    }
  });

  it.each([
    [['list'], 'there is no command "list"'],
    [['--json'], 'no command was given'],
    [['check'], 'which file? check needs one'],
    [['check', 'a', 'b'], 'check was given too much'],
    [['check', 'a', '--json'], 'check has no --json'],
    [['print', '--yaml'], "Unknown option '--yaml'"],
  ])('does not guess what %j means', (args, message) => {
    expect(routes(args)).toEqual({ code: 2, err: `${message}. See: npm run routes -- --help\n` });
  });
});

describe('the examples', () => {
  const page = readFileSync(join(WORKSPACE, 'docs/proxy.md'), 'utf8');
  const [inPage = ''] = [...page.matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, body = '']) => body);

  it.each([
    ['examples/routes.yaml', () => readFileSync(join(WORKSPACE, 'examples/routes.yaml'), 'utf8')],
    ['docs/proxy.md', () => inPage],
  ])('are good: %s', (_, text) => {
    const found = readRouteFile(written(text()), configOf(SERVICES), OWN);
    expect(found.problems).toEqual([]);
    expect(found.routes.length).toBeGreaterThan(0);
  });

  it('show every field', () => {
    for (const field of Object.keys(ROUTE_FIELDS)) expect(inPage).toContain(`${field}:`);
    for (const part of ['timeouts', 'limits'] as const) {
      for (const field of Object.keys(ROUTE_FIELDS[part].shape)) expect(inPage).toContain(`${field}:`);
    }
  });
});

it('writes times and sizes as they are read', () => {
  fc.assert(fc.property(fc.nat(86_400_000), (ms) => parseDuration(durationText(ms)) === ms));
  fc.assert(fc.property(fc.nat(2 ** 31 - 1), (bytes) => parseSize(sizeText(bytes)) === bytes));
  expect([durationText(0), durationText(90_000), sizeText(0), sizeText(2 ** 40)]).toEqual([
    '0ms',
    '90s',
    '0 B',
    '1 TiB',
  ]);
  expect(routesAsFile([])).toBe('{\n  "routes": []\n}\n');
});
