import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateApp } from '../embedded/services.mjs';
import { createDatabase, type TestDatabase } from '@puerta/testing';
import { environment } from './main.mjs';

const workspace = join(__dirname, '../..');
const TOKEN_SERVICE_KEY_ENCRYPTION_KEYS = `k1:${randomBytes(32).toString('base64')}`;

function keys(args: string[], env: Record<string, string>): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [join(workspace, 'tools/keys.mjs'), ...args], {
    env: { PATH: process.env['PATH'], ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

describe('npm run keys', () => {
  let database: TestDatabase;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    database = await createDatabase();
  });

  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true });
  });

  it('runs the command of the token-service that was built, with what the environment says', async () => {
    const env = { TOKEN_SERVICE_DATABASE_URL: database.url, TOKEN_SERVICE_KEY_ENCRYPTION_KEYS };
    const rest = {
      REDIS_URL: 'redis://localhost',
      PUBLIC_URL: 'https://puerta.example.com',
      BUS_SECRET: TOKEN_SERVICE_KEY_ENCRYPTION_KEYS,
    };
    await migrateApp({
      workspace,
      app: 'token-service',
      env: { ...process.env, ...env, ...rest },
      log: () => undefined,
    });
    const rotated = await keys(['rotate', '--now', '--json'], env);
    expect(rotated).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(rotated.out)).toHaveLength(6);
    const listed = await keys(['list', '--use', 'access', '--data', folder], env);
    expect(listed.out.match(/^access .* (active|next|retired) /gm)).toHaveLength(3);
    expect(await keys(['kill', 'nope'], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('there is no key "nope"') as string,
    });
  });

  it('says what is missing, or wrong, and no password', async () => {
    expect(await keys(['list', '--data', folder], {})).toMatchObject({
      code: 78,
      err: expect.stringMatching(
        /TOKEN_SERVICE_DATABASE_URL is not set[^]*TOKEN_SERVICE_KEY_ENCRYPTION_KEYS is not set/,
      ) as string,
    });
    const away = {
      TOKEN_SERVICE_DATABASE_URL: 'postgres://u:very-secret-word@127.0.0.1:1/x',
      TOKEN_SERVICE_KEY_ENCRYPTION_KEYS,
    };
    const { code, err } = await keys(['list'], away);
    expect(code).toBe(1);
    expect(err).toMatch(/^the keys cannot be reached: .*ECONNREFUSED/);
    expect(err).not.toContain('very-secret-word');
  });

  it('finds the database and the secrets of npm start by its data folder', () => {
    const secrets = {
      secrets: { TOKEN_SERVICE_KEY_ENCRYPTION_KEYS },
      databasePasswords: { 'token-service': 'pass-word' },
    };
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify(secrets));
    expect(environment({}, folder)).toEqual({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS });
    mkdirSync(join(folder, 'postgres/data'), { recursive: true });
    writeFileSync(join(folder, 'postgres/data/postmaster.pid'), '123\n/folder\n1700000000\n45678\n/tmp\n127.0.0.1\n');
    expect(environment({}, folder)).toEqual({
      TOKEN_SERVICE_DATABASE_URL: 'postgresql://puerta_token_service:pass-word@127.0.0.1:45678/puerta',
      TOKEN_SERVICE_KEY_ENCRYPTION_KEYS,
      NODE_ENV: 'development',
    });
    const own = { DATABASE_URL: 'postgres://elsewhere/x', TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: 'mine' };
    expect(environment(own, folder)).toEqual(own);
  });
});
