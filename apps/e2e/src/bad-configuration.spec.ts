import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const random = (): string => randomBytes(32).toString('base64');

/** Enough for either app to go on to what is not there. */
const good = {
  PATH: process.env['PATH'] ?? '',
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://puerta.example.com',
  REDIS_URL: 'redis://127.0.0.1:1',
  BUS_SECRET: `b1:${random()}`,
  STORAGE_URL: 'file:///nowhere',
  TOKEN_SERVICE_DATABASE_URL: 'postgres://puerta:hRk2-unguessable@127.0.0.1:1/puerta',
  TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k1:${random()}`,
};

function start(app: string, changes: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const main = resolve(__dirname, '../../../dist/bundles', app, 'app.js');
  const child = spawn(process.execPath, [main], { env: { ...good, ...changes } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((settle) => child.on('close', (code) => settle({ code, output })));
}

const WEAK = 'una-clave-secreta-muy-fuerte-para-desarrollo-local-1234567890';

it.each([
  [
    'token-service',
    { GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_JWT_SECRET: WEAK, TOKEN_SERVICE_CODE_DIGITS: '4' },
    ['GATEWAY_JWT_SECRET', 'TOKEN_SERVICE_CODE_DIGITS'],
  ],
  [
    'token-service',
    { TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k1:${WEAK}`, PUBLIC_URL: 'http://puerta.example.com' },
    ['TOKEN_SERVICE_KEY_ENCRYPTION_KEYS', 'PUBLIC_URL'],
  ],
  [
    'gateway',
    { GATEWAY_JWT_ALGORITHM: 'HS256', GATEWAY_RATE_LIMIT: 'off' },
    ['GATEWAY_JWT_SECRET', 'GATEWAY_RATE_LIMIT'],
  ],
])('%s names all that is wrong with %j, repeats no value, and ends with 78', async (app, changes, variables) => {
  const { code, output } = await start(app, changes);
  expect(code).toBe(78);
  expect(output).toContain(`${app} cannot start, its configuration has ${variables.length} problem(s)`);
  for (const variable of variables) expect(output).toContain(`  ${variable} `);
  expect(output).not.toContain(WEAK);
});

it('gateway names all that is wrong with a route file, beside its other variables, and ends with 78', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'puerta-e2e-'));
  try {
    const file = join(folder, 'routes.yaml');
    writeFileSync(file, 'routes:\n  - { name: a, prefix: /api/v1/cards, target: http://a, guard: none }\n');
    const own = 'https://puerta.example.com';
    const { code, output } = await start('gateway', { GATEWAY_ROUTES_FILE: file, GATEWAY_QUERY_SERVICE_URL: own });
    expect(code).toBe(78);
    expect(output).toContain('gateway cannot start, its configuration has 3 problem(s)');
    expect(output).toContain('GATEWAY_QUERY_SERVICE_URL is the gateway itself');
    expect(output).toContain(`${file}:2:24: routes[0].prefix: overlaps POST /api/v1/cards/bulk, which is Puerta's own`);
    expect(output).toContain(`${file}:2:64: routes[0].guard: is not one of public, initial, strict`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
