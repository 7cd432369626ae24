import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@puerta/testing';
import { freePort } from '../embedded/process.mjs';
import { APPS, appEnvironment, newSecrets, OWNERS, type Surroundings } from '../embedded/services.mjs';
import { localNetworkAddress } from './addresses.mjs';
import { printBanner } from './banner.mjs';
import { keptSecrets } from './data-folder.mjs';
import { environmentOf, inherited, refuseBadConfiguration } from './environment.mjs';
import { Logs } from './logs.mjs';
import { readOptions } from './options.mjs';
import { PackageProgress } from './packages.mjs';
import { Terminal } from './terminal.mjs';

/** `npm start` with these options, until it ends by itself. */
function start(args: string[], env: NodeJS.ProcessEnv = {}): Promise<{ code: number; output: string }> {
  const all = { ...process.env, PUBLIC_URL: '', NODE_ENV: '', ...env };
  return new Promise((resolve) => {
    const script = [join(__dirname, '../start.mjs'), ...args];
    execFile(process.execPath, script, { env: all, timeout: 20_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout + stderr }),
    );
  });
}

const folders = { cwd: '/here', workspace: '/project' };

describe('the options of npm start', () => {
  it('are these when nothing is said', () => {
    expect(readOptions([], {}, folders)).toEqual({
      port: 8080,
      data: '/project/.puerta',
      databaseUrl: undefined,
      redisUrl: undefined,
      replicas: Object.fromEntries(APPS.map((app) => [app, 1])),
      demo: true,
      verbose: false,
      clean: false,
      help: false,
    });
  });

  it('come from the environment, and from the command line above it', () => {
    const env = { PORT: '9000', DATABASE_URL: 'postgres://u:p@db/a', REDIS_URL: 'redis://r' };
    for (const redisUrl of ['redis-sentinel://:p@a:1,b:2/main', 'rediss-cluster://u:p@a,b:7000']) {
      expect(readOptions(['--redis-url', redisUrl], {}, folders)).toMatchObject({ redisUrl });
    }
    expect(readOptions([], env, folders)).toMatchObject({
      port: 9000,
      databaseUrl: 'postgres://u:p@db/a',
      redisUrl: 'redis://r',
    });
    const args = [
      '--port',
      '9001',
      '--database-url',
      'postgresql://x/y',
      '--redis-url=rediss://z',
      '--data',
      'd',
      '--no-demo',
      '--clean',
    ];
    expect(readOptions(args, env, folders)).toMatchObject({
      port: 9001,
      databaseUrl: 'postgresql://x/y',
      redisUrl: 'rediss://z',
      data: '/here/d',
      demo: false,
    });
  });

  it('take a number of replicas for some apps', () => {
    const { replicas } = readOptions(['--replicas', 'gateway=2, identity=3'], {}, folders);
    expect(replicas).toEqual({ ...Object.fromEntries(APPS.map((app) => [app, 1])), gateway: 2, identity: 3 });
  });

  it.each([
    [['--port', '0'], '--port: "0" is not a port'],
    [['--port', '8080x'], '--port: "8080x" is not a port'],
    [['--replicas', 'gate=2'], 'there is no app "gate"'],
    [['--replicas', 'constructor=2'], 'there is no app "constructor"'],
    [['--replicas', 'gateway=0'], 'must be like gateway=2'],
    [['--replicas', 'gateway=1000'], 'at most 32'],
    [['--redis-url', 'http://r'], '--redis-url (REDIS_URL) must be a URL that begins with redis:'],
    [['--redis-url', 'redis-other://r'], '--redis-url (REDIS_URL) must be a URL that begins with redis:'],
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
    const { stdout, status } = spawnSync(process.execPath, [join(__dirname, '../start.mjs'), '--help'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    for (const option of ['--port', '--data', '--database-url', '--redis-url', '--replicas', '--no-demo', '--clean']) {
      expect(stdout).toContain(option);
    }
  });
});

describe('the address for a phone', () => {
  const ipv4 = (address: string, internal = false) => ({
    address,
    internal,
    family: 'IPv4' as const,
    netmask: '',
    mac: '',
    cidr: null,
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

  const line = (level: string, msg: string) =>
    `${JSON.stringify({ level, time: '2026-01-01T00:00:00Z', service: 'identity', msg })}\n`;

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

  it('go on at the beginning of a file that an outside logrotate has emptied (copytruncate)', async () => {
    const logs = new Logs(folder, terminal, false);
    const file = join(folder, 'redis.log');
    const log = logs.forServer('redis');
    log.write(Buffer.from('before\n'));
    await waitFor(() => existsSync(file) && readFileSync(file, 'utf8') === 'before\n', 5_000);
    truncateSync(file);
    log.write(Buffer.from('after\n'));
    await logs.close();
    expect(readFileSync(file, 'utf8')).toBe('after\n');
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
    expect(new Set(values).size).toBe(values.length);
    expect(values.length).toBeGreaterThanOrEqual(11);
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

describe('the installation of packages', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    const other = process.platform === 'linux' ? 'darwin' : 'linux';
    const packages = {
      '': {},
      'node_modules/one': {},
      'node_modules/one/node_modules/two': { optional: true, os: [process.platform], cpu: [`!not-${process.arch}`] },
      'node_modules/@scope/three': { os: ['!none'] },
      'node_modules/elsewhere': { optional: true, os: [other] },
      'node_modules/linked': { link: true },
    };
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  });
  afterEach(() => {
    jest.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });

  const unpack = (name: string): void => {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), '{}');
  };

  it('shows how many are known, then how many there are, of those this machine gets, and none from before', async () => {
    unpack('one');
    await sleep(20);
    const progress = new PackageProgress(folder);
    const fetch = 'npm http fetch GET 200 https://registry.npmjs.org';
    for (const path of ['one', '@scope%2fthree', 'one/-/one-1.0.0.tgz'])
      progress.heard(`${fetch}/${path} 35ms (cache miss)`);
    progress.heard('npm warn deprecated one@1.0.0');
    expect(`${progress}`).toBe('looking up 2 of 3 packages');
    await sleep(510);
    for (const name of ['one', 'one/node_modules/two']) unpack(name);
    expect(`${progress}`).toBe('2 of 3 packages');
    rmSync(join(folder, 'package-lock.json'));
    expect(`${new PackageProgress(folder)}`).toBe('');
  });

  it.each([
    [false, 5_000, '… Installing packages 5.0 s: 7 of 9 packages\n'],
    [true, 100, '⠙ Installing packages 0.1 s: 7 of 9 packages'],
  ])('is told of at times (in a terminal: %s)', async (isTTY, ms, line) => {
    jest.useFakeTimers();
    let shown = '';
    const terminal = new Terminal({ isTTY, write: (text: string) => (shown += text) } as never);
    const work = new Promise<void>((resolve) => setTimeout(resolve, ms + 1));
    const step = terminal.step(
      'Installing packages',
      'Packages installed',
      () => work,
      () => '7 of 9 packages',
    );
    await jest.advanceTimersByTimeAsync(ms);
    expect(shown.replace(/\u001b\[\d*K|\u001b\[\d+m|\r/g, '')).toContain(line);
    await jest.advanceTimersByTimeAsync(1);
    await step;
    expect(shown).toContain('Packages installed');
  });
});

describe('a data folder that cannot be used', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is refused in words, whatever is in the way', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['dangling', 'linked/lock']) {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      symlinkSync('/nowhere', join(folder, name));
    }
    mkdirSync(join(folder, 'locked/lock'), { recursive: true });
    const names = ['file', 'file/x', 'dangling', 'dangling/x', 'linked', 'locked', 'x'.repeat(300)].map((name) =>
      join(folder, name),
    );
    if (process.platform === 'linux') names.push('/proc/x', '/sys/x');
    const ended = await Promise.all(names.map((name) => start(['--data', name])));
    expect(
      ended.filter(({ code, output }) => code !== 1 || !/^✘ the data folder cannot be used: .+\n$/.test(output)),
    ).toEqual([]);
  });
});

describe('npm start -- --clean', () => {
  let folder: string;
  let data: string;
  const clean = () => start(['--clean', '--data', data]);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    data = join(folder, 'data');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('removes a data folder, and does nothing the second time', async () => {
    mkdirSync(join(data, 'files/photos'), { recursive: true });
    mkdirSync(join(data, 'postgres/data'), { recursive: true });
    keptSecrets(data);
    expect(await clean()).toEqual({ code: 0, output: expect.stringContaining('Removed what was in') as string });
    expect(existsSync(data)).toBe(false);
    expect(await clean()).toEqual({ code: 0, output: expect.stringContaining('nothing to remove') as string });
    expect(existsSync(data)).toBe(false);
  });

  it('leaves what is not ours in it, and what does not look like ours at all', async () => {
    mkdirSync(join(data, 'files'), { recursive: true });
    writeFileSync(join(data, 'secrets.json'), '{"of":"another program"}');
    expect(await clean()).toEqual({
      code: 1,
      output: `✘ ${data} is not a data folder of Puerta; nothing was removed\n`,
    });
    expect(readdirSync(data)).toEqual(['files', 'secrets.json']);
    rmSync(join(data, 'secrets.json'));
    keptSecrets(data);
    writeFileSync(join(data, 'mine.txt'), '');
    expect(await clean()).toMatchObject({ code: 0 });
    expect(readdirSync(data)).toEqual(['mine.txt']);
  });
});

describe('the environment of npm start', () => {
  const warned: string[] = [];
  const read = (env: NodeJS.ProcessEnv) => inherited(env, {}, (message) => warned.push(message));
  const url = 'postgres://u:p@127.0.0.1/puerta';
  const given = {
    secrets: newSecrets(),
    publicUrl: 'http://localhost:8080',
    filesFolder: '/files',
    redisUrls: Object.fromEntries(APPS.map((app) => [app, 'redis://r'])) as Surroundings['redisUrls'],
    databaseUrls: Object.fromEntries(OWNERS.map((app) => [app, url])) as Surroundings['databaseUrls'],
  };
  const all = (env: NodeJS.ProcessEnv) => {
    const set = read(env);
    const known = { REDIS_URL: 'redis://r', PUBLIC_URL: set['PUBLIC_URL'] ?? given.publicUrl, PORT: '8080' };
    return Object.fromEntries(APPS.map((app) => [app, environmentOf(appEnvironment(app, given), set, known)]));
  };
  const check = (env: NodeJS.ProcessEnv) =>
    refuseBadConfiguration(all(env) as Parameters<typeof refuseBadConfiguration>[0]);

  /** Every variable that the launcher sets for an app. */
  const names = [...new Set(Object.values(all({})).flatMap((env) => Object.keys(env)))];
  const processes = ['INTERNAL_HOST', 'INTERNAL_PORT', 'PUERTA_EXIT_WITH_PARENT'];

  it.each([...names, ...processes])('%s, blank or nonsense, starts or is refused by its name', (name) => {
    check({ [name]: '  ' });
    let refusal = '';
    try {
      check({ [name]: '!' });
    } catch (error) {
      refusal = (error as Error).message;
    }
    // Read by the options, or decided by us; some shells put a name of this machine into HOST.
    const used = ['NODE_ENV', 'HOST', 'PORT', 'REDIS_URL', ...processes].includes(name);
    expect(refusal).toEqual(used ? '' : expect.stringContaining(name));
  });

  it.each([...names].filter((name) => /SECRET|KEYS|_URL$/.test(name) && !/PUBLIC|STORAGE/.test(name)))(
    '%s in a file is taken instead of ours, or refused',
    (name) => {
      expect(() => check({ [`${name}_FILE`]: '/nowhere' })).toThrow(`${name}_FILE`);
    },
  );

  it('may name a route file, which is judged before anything starts', () => {
    const routes = join(__dirname, '../../examples/routes.yaml');
    check({ GATEWAY_ROUTES_FILE: routes });
    expect(() => check({ GATEWAY_ROUTES_FILE: `${routes}.none` })).toThrow(`${routes}.none: cannot be read (ENOENT)`);
    expect(() => check({ GATEWAY_ROUTES_FILE: __filename })).toThrow(/GATEWAY_ROUTES_FILE .*:\d+:\d+: is no YAML/);
  });

  it('starts under an inherited NODE_ENV=production, as development and telling so, unless PUBLIC_URL suits it', () => {
    warned.length = 0;
    expect(all({ NODE_ENV: 'production' })['gateway']).toMatchObject({ NODE_ENV: 'development' });
    expect(warned[0]).toContain('NODE_ENV=production is not used');
    const suits = { NODE_ENV: 'production', PUBLIC_URL: 'https://puerta.example.com' };
    expect(all(suits)['identity']).toMatchObject(suits);
    expect(() => read({ ...suits, PUBLIC_URL: 'http://puerta.example.com' })).toThrow(
      /PUBLIC_URL must .* NODE_ENV is production/,
    );
  });

  it('may say where the gateway listens, if the launcher reaches it there; both kinds of address are the default', () => {
    const hasIpv6 = JSON.stringify(networkInterfaces()).includes('"IPv6"');
    expect(all({ HOST: 'name-of-this-machine' })['gateway']).toMatchObject({ HOST: hasIpv6 ? '::' : '0.0.0.0' });
    expect(all({ HOST: '127.0.0.1' })['gateway']).toMatchObject({ HOST: '127.0.0.1' });
    expect(() => read({ HOST: '192.0.2.1' })).toThrow('HOST must be one of');
  });

  it('keeps what is about another PostgreSQL from ours', () => {
    expect(read({ PGSSLMODE: 'require' })).toEqual({});
    const env = { PGSSLMODE: 'require' };
    expect(inherited(env, { databaseUrl: url }, () => undefined)).toEqual(env);
  });

  it('is refused before anything is started', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    const env = { BUS_SECRET: randomBytes(8).toString('hex'), GATEWAY_RATE_LIMIT: 'maybe' };
    const { code, output } = await start(['--data', folder, '--port', String(await freePort())], env);
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/✘ the environment cannot be used:\n {2}(GATEWAY_RATE_LIMIT|BUS_SECRET) /),
    ]);
    expect(output).not.toContain(env.BUS_SECRET);
    expect(existsSync(join(folder, 'postgres'))).toBe(false);
    rmSync(folder, { recursive: true });
  });
});

describe('the banner', () => {
  it.each([
    [true, /password +a-password/],
    [false, /password +in \/data\/demo\.json/],
  ])('shows the password to a terminal only (%s)', async (isTTY, shown) => {
    let text = '';
    const terminal = new Terminal({ isTTY, columns: 80, write: (more: string) => (text += more) } as never);
    const demo = {
      email: 'a@demo.example',
      password: 'a-password',
      number: '26-10001',
      scanUrl: 'http://localhost/scan/x',
    };
    const rest = {
      port: 8080,
      gateways: 1,
      publicUrl: 'http://localhost:8080',
      networkAddress: undefined,
      demoServices: [{ name: 'query', url: 'http://127.0.0.1:20001' }],
      data: '/data',
    };
    await printBanner({ terminal, demo, ...rest });
    const plain = text.replace(/\u001b\[[\d;]*[A-Za-z]/g, '');
    expect(plain).toMatch(shown);
    expect(plain).toMatch(/demo query +http:\/\/localhost:8080\/api\/v1\/query, at http:\/\/127\.0\.0\.1:20001\n/);
    expect(plain.includes('a-password')).toBe(isTTY);
  });
});
