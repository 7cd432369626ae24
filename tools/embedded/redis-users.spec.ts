import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { testRedisUrl } from '@puerta/testing';
import { freePort } from './process.mjs';
import { startRedis } from './redis.mjs';
import { provisionRedis, removeRedisUsers } from './redis-users.mjs';
import { APPS, type App, newPasswords } from './services.mjs';

const clients: Redis[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function connect(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => null }).on('error', () => undefined);
  clients.push(client);
  return client;
}

describe('the users of the apps', () => {
  const prefix = `users-${randomUUID().slice(0, 8)}`;
  let urls: Record<App, string>;

  beforeAll(async () => {
    urls = await provisionRedis(testRedisUrl(), { prefix, passwords: newPasswords(APPS) });
  });
  afterAll(() => removeRedisUsers(testRedisUrl(), prefix));

  const may: [App, string][] = [
    ['gateway', 'XADD {identity}:gateway:heavy * a b'],
    ['gateway', 'XADD {token-service}:gateway:fast * a b'],
    ['gateway', 'ZCOUNT {card-issuer}:replicas 0 1'],
    ['gateway', 'SET {limits}:a 1'],
    ['gateway', 'ZADD {storage}:hosts 1 a'],
    ['card-issuer', 'ZADD {storage}:hosts 1 a'],
    ['gateway', 'XREAD COUNT 1 STREAMS {identity}:invalidations 0'],
    ['identity', 'XADD {token-service}:identity:fast * a b'],
    ['identity', 'XADD {identity}:dead * a b'],
    ['identity', 'XADD {identity}:invalidations MINID ~ 1 * a b'],
    ['identity', 'PUBLISH reply:card-issuer:x {}'],
    ['card-issuer', 'XADD {token-service}:card-issuer:fast * a b'],
    ['card-issuer', 'SUBSCRIBE reply:card-issuer:x'],
    ['token-service', 'SUBSCRIBE reply:token-service:x'],
    ['token-service', 'SET tokens:{3}:a 1 PX 1000'],
    ['token-service', 'EVAL return(redis.call("INCR",KEYS[1])) 1 tokens:{3}:b'],
    ['token-service', 'XADD {identity}:token-service:fast * a b'],
    ['token-service', 'XREAD COUNT 1 STREAMS {token-service}:invalidations 0'],
  ];
  const mayNot: [App, string][] = [
    ['gateway', 'XADD {token-service}:identity:fast * a b'],
    ['gateway', 'XADD {token-service}:gateway:heavy * a b'],
    ['gateway', 'XADD {identity}:invalidations * a b'],
    ['gateway', 'PUBLISH reply:gateway:x {}'],
    ['identity', 'XADD {token-service}:card-issuer:fast * a b'],
    ['identity', 'XADD {card-issuer}:gateway:fast * a b'],
    ['identity', 'GET {limits}:a'],
    ['identity', 'ZADD {storage}:hosts 1 a'],
    ['card-issuer', 'XADD {token-service}:identity:fast * a b'],
    ['card-issuer', 'XADD {identity}:gateway:fast * a b'],
    ['card-issuer', 'XREAD COUNT 1 STREAMS {identity}:invalidations 0'],
    ['card-issuer', 'SUBSCRIBE reply:gateway:x'],
    ['token-service', 'XADD {identity}:gateway:fast * a b'],
    ['token-service', 'PUBLISH reply:token-service:x {}'],
    ['token-service', 'ZADD {identity}:replicas 1 a'],
    ['token-service', 'XREAD COUNT 1 STREAMS {identity}:invalidations 0'],
    ['token-service', 'KEYS *'],
    ['token-service', 'DEL tokens:{3}:a'],
    ['token-service', 'GET {limits}:a'],
    ...(['gateway', 'identity', 'card-issuer'] as const).flatMap((app): [App, string][] => [
      [app, 'GET tokens:{3}:a'],
      [app, 'SET tokens:{3}:a 1'],
      [app, 'EVAL return(redis.call("GET",KEYS[1])) 1 tokens:{3}:a'],
      [app, 'EVAL return(redis.call("GET","tokens:{3}:a")) 0'],
    ]),
  ];
  const attempt = (app: App, line: string) => {
    const [command = '', ...args] = line.replace(/(\{[a-z-]+\}:|reply:|tokens:)/g, `${prefix}:$1`).split(' ');
    return connect(urls[app]).call(command.toLowerCase(), ...args);
  };

  it.each(may)('let %s %s', async (app, line) => {
    await expect(attempt(app, line)).resolves.toBeDefined();
  });

  it.each(mayNot)('do not let %s %s', async (app, line) => {
    await expect(attempt(app, line)).rejects.toThrow(
      /NOPERM|can't access at least one of the keys|can't run this command/,
    );
  });
});

describe('npm run bus -- acl', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const passwords = newPasswords(APPS);
  const environment = Object.fromEntries(
    APPS.map((app) => [`${app.toUpperCase().replaceAll('-', '_')}_REDIS_PASSWORD`, passwords[app]]),
  );
  const run = (args: string[], env: Record<string, string> = environment) =>
    spawnSync(process.execPath, [join(__dirname, '../bus.mjs'), 'acl', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });

  it('prints what a Redis takes for its aclfile, with hashes for passwords, and "default" shut unless it has one', async () => {
    const operator = 'operator-operator-operator';
    const { stdout, status } = run([], { ...environment, DEFAULT_REDIS_PASSWORD: operator });
    expect(status).toBe(0);
    for (const secret of [operator, ...Object.values(passwords)]) expect(stdout).not.toContain(secret);
    writeFileSync(join(folder, 'users.acl'), stdout);
    writeFileSync(join(folder, 'password'), operator);
    const redis = await startRedis({ folder, port: await freePort() });
    try {
      const own = new URL(redis.url);
      [own.username, own.password] = ['identity', passwords.identity];
      await expect(connect(own.href).xlen('bus:{identity}:gateway:fast')).resolves.toBe(0);
      await expect(connect(own.href).xlen('bus:{card-issuer}:gateway:fast')).rejects.toThrow('NOPERM');
      await expect(connect(redis.url).dbsize()).resolves.toBe(0);
    } finally {
      await redis.kill();
    }
    expect(run([]).stdout).toMatch(/^user default reset off\n/);
  });

  it('takes passwords from files, and calls users after the prefix', () => {
    const file = join(folder, 'gateway');
    writeFileSync(file, `${passwords.gateway}\n`);
    const { GATEWAY_REDIS_PASSWORD, ...others } = environment;
    const { stdout } = run(['--prefix', 'second'], { ...others, GATEWAY_REDIS_PASSWORD_FILE: file });
    expect(GATEWAY_REDIS_PASSWORD).toBe(passwords.gateway);
    expect(stdout.match(/^user \S+/gm)).toEqual(
      ['default', ...APPS.map((app) => `second-${app}`)].map((name) => `user ${name}`),
    );
    expect(stdout).not.toContain('~bus:');
    expect(stdout.replaceAll('second-gateway', 'gateway').replaceAll('second:', 'bus:')).toContain(
      run([])
        .stdout.split('\n')
        .find((line) => line.startsWith('user gateway ')) as string,
    );
  });

  it('says in words what it lacks, and no password', () => {
    const { stdout, stderr, status } = run([], {
      ...environment,
      IDENTITY_REDIS_PASSWORD: 'short',
      GATEWAY_REDIS_PASSWORD: '',
    });
    expect([stdout, status]).toEqual(['', 1]);
    expect(stderr).toMatch(
      /IDENTITY_REDIS_PASSWORD is shorter than 20 characters.*\n.*GATEWAY_REDIS_PASSWORD is not set/,
    );
    expect(stderr).not.toContain('short;');
    expect(run(['--prefix', 'a{b}']).status).toBe(1);
    expect(run(['--prefx', 'a'])).toMatchObject({ status: 2, stderr: expect.stringContaining('acl --help') as string });
    expect(run(['--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('DEFAULT_REDIS_PASSWORD') as string,
    });
  });
});

it('an embedded Redis keeps its users over restarts, and lets nobody in without a password', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
  const port = await freePort();
  const first = await startRedis({ folder, port });
  const urls = await provisionRedis(first.url, { prefix: 'bus', passwords: newPasswords(APPS) });
  await first.kill();
  const second = await startRedis({ folder, port });
  try {
    await expect(connect(urls.identity).ping()).resolves.toBe('PONG');
    await expect(connect(second.url).dbsize()).resolves.toBe(0);
    await expect(connect(`redis://127.0.0.1:${port}`).ping()).rejects.toThrow('NOAUTH');
    expect(readFileSync(join(folder, 'users.acl'), 'utf8')).toContain('user identity ');
  } finally {
    await second.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
