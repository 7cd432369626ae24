import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localNetworkAddress } from './addresses.mjs';
import { keptSecrets } from './data-folder.mjs';
import { Logs } from './logs.mjs';
import { readOptions } from './options.mjs';
import { Terminal } from './terminal.mjs';

const folders = { cwd: '/here', workspace: '/project' };

describe('the options of npm start', () => {
  it('are these when nothing is said', () => {
    expect(readOptions([], {}, folders)).toEqual({
      port: 8080,
      data: '/project/.puerta',
      databaseUrl: undefined,
      redisUrl: undefined,
      replicas: { gateway: 1, identity: 1, 'card-issuer': 1, 'token-service': 1 },
      demo: true,
      verbose: false,
      help: false,
    });
  });

  it('come from the environment, and from the command line above it', () => {
    const env = { PORT: '9000', DATABASE_URL: 'postgres://u:p@db/a', REDIS_URL: 'redis://r' };
    for (const redisUrl of ['redis-sentinel://:p@a:1,b:2/main', 'rediss-cluster://u:p@a,b:7000']) {
      expect(readOptions(['--redis-url', redisUrl], {}, folders)).toMatchObject({ redisUrl });
    }
    expect(readOptions([], env, folders)).toMatchObject({ port: 9000, databaseUrl: 'postgres://u:p@db/a', redisUrl: 'redis://r' });
    const args = ['--port', '9001', '--database-url', 'postgresql://x/y', '--redis-url=rediss://z', '--data', 'd', '--no-demo'];
    expect(readOptions(args, env, folders)).toMatchObject({
      port: 9001, databaseUrl: 'postgresql://x/y', redisUrl: 'rediss://z', data: '/here/d', demo: false,
    });
  });

  it('take a number of replicas for some apps', () => {
    const { replicas } = readOptions(['--replicas', 'gateway=2, identity=3'], {}, folders);
    expect(replicas).toEqual({ gateway: 2, identity: 3, 'card-issuer': 1, 'token-service': 1 });
  });

  it.each([
    [['--port', '0'], '"0" is not a port'],
    [['--port', '8080x'], '"8080x" is not a port'],
    [['--replicas', 'gate=2'], 'there is no app "gate"'],
    [['--replicas', 'constructor=2'], 'there is no app "constructor"'],
    [['--replicas', 'gateway=0'], 'must be like gateway=2'],
    [['--replicas', 'gateway=1000'], 'at most 32'],
    [['--redis-url', 'http://r'], '--redis-url must be a URL that begins with redis:'],
    [['--redis-url', 'redis-other://r'], '--redis-url must be a URL that begins with redis:'],
    [['--prot', '1'], "Unknown option '--prot'. See: npm start -- --help"],
    [['here'], 'See: npm start -- --help'],
  ])('are refused in words: %j', (args, message) => {
    expect(() => readOptions(args, {}, folders)).toThrow(message);
  });

  it('do not repeat a URL that cannot be used: it may hold a password', () => {
    expect(() => readOptions(['--database-url', 'mysql://u:hidden@h/d'], {}, folders)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hidden') as string }),
    );
  });

  it('are explained by --help, on any machine and before anything is installed', () => {
    const { stdout, status } = spawnSync(process.execPath, [join(__dirname, '../start.mjs'), '--help'], { encoding: 'utf8' });
    expect(status).toBe(0);
    for (const option of ['--port', '--data', '--database-url', '--redis-url', '--replicas', '--no-demo']) {
      expect(stdout).toContain(option);
    }
  });
});

describe('the address for a phone', () => {
  const ipv4 = (address: string, internal = false) => ({
    address, internal, family: 'IPv4' as const, netmask: '', mac: '', cidr: null,
  });

  it('is the one in the local network, not one of containers or of the machine itself', () => {
    const interfaces = {
      lo: [ipv4('127.0.0.1', true)],
      docker0: [ipv4('172.17.0.1')],
      eth0: [ipv4('169.254.3.4'), ipv4('192.168.1.20')],
    };
    expect(localNetworkAddress(interfaces)).toBe('192.168.1.20');
    expect(localNetworkAddress({ lo: interfaces.lo, docker0: interfaces.docker0 })).toBeUndefined();
  });
});

describe('the logs', () => {
  let folder: string;
  let shown: string[];
  let terminal: Terminal;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    shown = [];
    terminal = new Terminal({ isTTY: false, write: (text: string) => shown.push(text) } as never);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const line = (level: string, msg: string) => `${JSON.stringify({ level, time: '2026-01-01T00:00:00Z', service: 'identity', msg })}\n`;

  it('hold everything, while the terminal shows what is a warning or worse, and what is no log line at all', async () => {
    const logs = new Logs(folder, terminal, false);
    const log = logs.forApp('identity');
    const written = `${line('info', 'hush')}${line('warn', 'look')}Segmentation fault\n`;
    for (const byte of Buffer.from(written)) log.write(Buffer.of(byte)); // however a pipe cuts it
    await logs.close();
    expect(readFileSync(join(folder, 'identity.log'), 'utf8')).toBe(written);
    expect(shown.join('')).toMatch(/^.*WARN: identity: look\nidentity: Segmentation fault\n$/);
    expect(log.last()).toMatch(/INFO: identity: hush\n.*look\nSegmentation fault$/);
  });

  it('show everything when asked to', async () => {
    const logs = new Logs(folder, terminal, true);
    logs.forApp('identity').write(Buffer.from(line('info', 'hush')));
    logs.forServer('redis').write(Buffer.from('Ready to accept connections\n'));
    await logs.close();
    expect(shown.join('')).toMatch(/INFO: identity: hush\nredis: Ready to accept connections\n/);
  });

  it('rotate when a file has 10 MiB', async () => {
    const logs = new Logs(folder, terminal, false);
    const log = logs.forServer('redis');
    const line = Buffer.from(`${'x'.repeat(1023)}\n`);
    for (let n = 0; n < 25 * 1024; n += 1) log.write(line);
    await logs.close();
    expect(readdirSync(folder).sort()).toEqual(['redis.1.log', 'redis.2.log', 'redis.log']);
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(Math.max(...sizes)).toBeLessThan(11 * 1024 * 1024);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(25 * 1024 * 1024);
  });
});

describe('the secrets of an installation', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are made once, each its own, and for the owner alone to read', () => {
    const made = keptSecrets(folder);
    expect(keptSecrets(folder)).toEqual(made);
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
    const values = [...Object.values(made.secrets), ...Object.values(made.databasePasswords)];
    values.push(...Object.values(made.redisPasswords));
    expect(new Set(values).size).toBe(11);
  });

  it('are added to those of an older version, which stay as they are', () => {
    const { secrets, databasePasswords, redisPasswords } = keptSecrets(folder);
    const { BUS_SECRET, ...older } = secrets;
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify({ secrets: older, databasePasswords }));
    const now = keptSecrets(folder);
    expect(now.secrets).toEqual({ ...older, BUS_SECRET: now.secrets.BUS_SECRET });
    expect(now.databasePasswords).toEqual(databasePasswords);
    expect(now.secrets.BUS_SECRET).not.toBe(BUS_SECRET);
    expect(Object.keys(now.redisPasswords)).toEqual(Object.keys(redisPasswords));
    expect(keptSecrets(folder)).toEqual(now);
  });

  it('are not made anew over a file that cannot be read: what they protect would be lost, and is not shown', () => {
    const file = join(folder, 'secrets.json');
    writeFileSync(file, 'aSecret{ half');
    expect(() => keptSecrets(folder)).toThrow(new Error(`${file} is not valid JSON`));
  });
});
