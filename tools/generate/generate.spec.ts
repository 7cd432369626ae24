import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { main } from './main.mjs';

const workspace = resolve(__dirname, '../..');
const run = promisify(execFile);

/** What generated code is put into, imports, and is tested with. */
const NEEDED = [
  '.swcrc',
  'apps/card-issuer/src',
  'apps/gateway',
  'docs/openapi.json',
  'docs/routes.md',
  'jest.config.ts',
  'libs',
  'package.json',
  'tools/bundle',
  'tools/embedded',
  'tsconfig.base.json',
  'tsconfig.json',
];

let root: string;
const said: string[] = [];
const generate = (...args: string[]) => main(args, root);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'puerta-generate-'));
  for (const path of NEEDED) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(join(workspace, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(workspace, 'node_modules'), join(root, 'node_modules'));
});
beforeEach(() => {
  said.length = 0;
  for (const way of ['log', 'error'] as const)
    jest.spyOn(console, way).mockImplementation((...texts: unknown[]) => void said.push(texts.join()));
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('npm run generate', () => {
  it('says what it would write, and writes nothing, when it is only tried', async () => {
    expect(await generate('service', 'print-shop', '--dry-run')).toBe(0);
    expect(said).toContain('apps/print-shop/src/print-shop.ts');
    expect(existsSync(join(root, 'apps/print-shop'))).toBe(false);
  });

  it('makes a service and routes whose tests pass', async () => {
    expect(await generate('service', 'print-shop', '--database')).toBe(0);
    const one = ['PUT', '/api/v1/print-shop/{shop_id}/sign', '--service', 'print-shop', '--guard', 'strict:issuer'];
    expect(await generate('route', ...one)).toBe(0);
    expect(await generate('route', 'GET', '/api/v1/hours', '--service', 'card-issuer', '--guard', 'public')).toBe(0);
    const manifest = readFileSync(join(root, 'libs/contracts/src/core/services.json'), 'utf8');
    expect(Object.keys(JSON.parse(manifest) as object).slice(-2)).toEqual(['print-shop', 'gateway']);
    const { stderr } = await run(
      process.execPath,
      ['node_modules/.bin/jest', '--runInBand', 'print-shop', 'hours', 'open-api.spec'],
      { cwd: root },
    );
    expect(stderr).toMatch(/Test Suites: 9 passed/);
    expect(readFileSync(join(root, 'apps/gateway/src/http/guards.spec.ts'), 'utf8')).toContain("'GET /api/v1/hours',");
  }, 60_000);

  it('refuses what exists, and names that are none, and writes nothing then', async () => {
    const refused: [string[], RegExp][] = [
      [['service', 'identity'], /there is a service identity already/],
      [['service', 'print-shop'], /there is a service print-shop already/],
      [['service', 'Print_Shop'], /is not a name/],
      [['service', '../x'], /is not a name/],
      [['route', 'FETCH', '/api/v1/x', '--service', 'card-issuer'], /is not a method/],
      [['route', 'GET', '/x', '--service', 'card-issuer'], /is not a path/],
      [['route', 'GET', '/api/v1/x', '--service', 'nobody'], /name a service that there is/],
      [['route', 'GET', '/api/v1/x', '--service', 'card-issuer', '--guard', 'strict:boss'], /is not a guard/],
      [['route', 'GET', '/api/v1/cards/:id', '--service', 'card-issuer'], /there is a route GET .* already/],
      [['route', 'GET', '/api/v1/hours', '--service', 'card-issuer'], /has a pattern hours.list already/],
      [['route', 'POST', '/api/v1/x', '--service', 'card-issuer', '--gard', 'public'], /Unknown option/],
    ];
    for (const [args, reason] of refused) {
      said.length = 0;
      expect(await generate(...args)).toBe(1);
      expect(said.join('\n')).toMatch(reason);
    }
    expect(existsSync(join(root, 'apps/gateway/src/x'))).toBe(false);
    expect(await generate('what')).toBe(1);
    expect(await generate('--help')).toBe(0);
  });
});
