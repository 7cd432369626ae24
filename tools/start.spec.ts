import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, HttpClient, waitFor } from '@puerta/testing';
import { identify, stillRuns, type ProcessRecord } from './embedded/process.mjs';

jest.setTimeout(240_000);

const START_MS = 120_000;

/** One `npm start`. */
class Launcher {
  static readonly all: Launcher[] = [];
  output = '';
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    Launcher.all.push(this);
    const env = { ...process.env, PUBLIC_URL: '', NODE_ENV: '' };
    this.child = spawn(process.execPath, [join(__dirname, 'start.mjs'), ...args], { env, detached: true });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  async up(): Promise<void> {
    const up = waitFor(() => this.output.includes('Ctrl-C stops everything'), START_MS);
    await Promise.race([
      up,
      once(this.child, 'exit').then(([code]) => Promise.reject(new Error(`exit code ${code}`))),
    ]).catch((error: unknown) => {
      throw new Error(`not up:\n${this.output}`, { cause: error });
    });
  }

  /** What the banner says behind a label. */
  banner(label: string): string {
    return new RegExp(`^ *${label} +(.+)$`, 'm').exec(this.output)?.[1] ?? '';
  }

  /** Every process that this one started, and theirs. */
  descendants(): ProcessRecord[] {
    const children = new Map<number, number[]>();
    for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    }
    const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
    return below(this.child.pid ?? 0).map((pid) => ({ pid, identity: identify(pid) }));
  }

  /** Waits until it ends by itself; gives the exit code. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  /** Sends the signal to the process group, as a terminal does with Ctrl-C; gives the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      process.kill(-(this.child.pid ?? 0), signal);
    }
    return this.ended();
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // that process has ended meanwhile
  }
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('npm start', () => {
  let data: string;
  let port: number;
  let launcher: Launcher;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
    data = join(folder, 'data');
    port = await freePort();
  });

  afterAll(async () => {
    await Promise.all(Launcher.all.map((each) => each.end('SIGTERM')));
    rmSync(join(data, '..'), { recursive: true, force: true });
  });

  it('ends with a card that can be scanned', async () => {
    launcher = new Launcher('--port', String(port), '--data', data);
    await launcher.up();
    expect(launcher.banner('Puerta')).toBe(`http://localhost:${port}`);
    expect(launcher.banner('API docs')).toBe(`http://localhost:${port}/docs`);
    expect(launcher.banner('demo card')).toMatch(/^\d\d-10001$/);
    expect(launcher.output).toContain('█▀▀▀▀▀█'); // the corner of a QR code

    const gateway = new HttpClient(`http://localhost:${port}`);
    const file = join(data, 'demo.json');
    expect(launcher.banner('password')).toBe(`in ${file}`); // standard output is a pipe here
    const { email, password } = JSON.parse(read(file)) as { email: string; password: string };
    expect([launcher.banner('administrator'), launcher.output.includes(password)]).toEqual([email, false]);
    const login = { email, password };
    expect(await gateway.post('/api/v1/users/login', login)).toMatchObject({ status: 200, body: { roles: ['owner'] } });
    expect((await gateway.get(new URL(launcher.banner('scan it')).pathname)).status).toBe(302);
    const loopbacks = ['127.0.0.1', ...(JSON.stringify(networkInterfaces()).includes('"::1"') ? ['[::1]'] : [])];
    for (const host of loopbacks)
      expect((await new HttpClient(`http://${host}:${port}`).get('/health')).status).toBe(200);
  });

  it('has two services behind the gateway, one of which wants proof of who asks', async () => {
    const { email, password } = JSON.parse(read(join(data, 'demo.json'))) as { email: string; password: string };
    const headers = { 'content-type': 'application/json' };
    const login = { method: 'POST', headers, body: JSON.stringify({ email, password }) };
    const session = (await (await fetch(`http://localhost:${port}/api/v1/users/login`, login)).json()) as {
      user_id: string;
      company_id: string;
      access_token: string;
    };
    const { user_id, company_id, access_token } = session;
    const who = { user_id, company_id, email, roles: ['owner'] };
    for (const [name, told] of [
      ['ingest', { ...who, credentials: [] }],
      ['query', { proven: who }],
    ] as const) {
      const [place = '', direct = ''] = launcher.banner(`demo ${name}`).split(', at ');
      const authorization = `Bearer ${access_token}`;
      expect(await (await fetch(`${place}/whoami`, { headers: { authorization } })).json()).toMatchObject(told);
      expect((await fetch(`${direct}/api/v1/${name}/whoami`, { headers: { authorization } })).status).toBe(401);
    }
  });

  it('keeps what it made for the owner alone', () => {
    for (const name of ['secrets.json', 'demo.json', 'logs/gateway.log', 'postgres/password', 'redis/redis.conf']) {
      expect([name, statSync(join(data, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it('is refused while it runs on the same data, or another program has the port', async () => {
    const [sameData, samePort] = [
      new Launcher('--port', String(await freePort()), '--data', data),
      new Launcher('--port', String(port), '--data', `${data}-2`),
    ];
    const clean = new Launcher('--clean', '--data', data);
    expect(await Promise.all([sameData.ended(), samePort.ended(), clean.ended()])).toEqual([1, 1, 1]);
    expect(clean.output).toContain('Puerta already runs on');
    expect(sameData.output).toContain('Puerta already runs on');
    expect(samePort.output).toContain('in use');
  });

  it('starts an app again that has crashed', async () => {
    const record = join(data, 'processes/identity.json');
    process.kill((JSON.parse(readFileSync(record, 'utf8')) as ProcessRecord).pid, 'SIGKILL');
    await waitFor(() => launcher.output.includes('identity runs again'), START_MS);
  });

  it('leaves no process behind after kill -9, and recovers, with more replicas, the same people and cards', async () => {
    const before = { email: launcher.banner('administrator'), scan: launcher.banner('scan it') };
    const started = launcher.descendants();
    expect(started.length).toBeGreaterThanOrEqual(8);
    const migrated = read(join(data, 'logs/identity-migrations.log'));
    expect(migrated).toContain('Initial1795219200000');
    await launcher.end('SIGKILL');

    launcher = new Launcher('--port', String(port), '--data', data, '--replicas', 'gateway=2,token-service=2');
    await launcher.up();
    expect(started.filter(stillRuns)).toEqual([]);
    expect({ email: launcher.banner('administrator'), scan: launcher.banner('scan it') }).toEqual(before);
    expect(read(join(data, 'logs/identity-migrations.log'))).toBe(migrated); // not run again, there being nothing to do
    const second = new HttpClient(`http://localhost:${port + 1}`);
    expect((await second.get(new URL(before.scan).pathname)).status).toBe(302);
  });

  it('ends with everything it started at Ctrl-C', async () => {
    const started = launcher.descendants();
    expect(await launcher.end('SIGINT')).toBe(0);
    expect(started.filter(stillRuns)).toEqual([]);
    expect(existsSync(join(data, 'lock'))).toBe(false);
  });

  it('leaves nothing of its data after --clean', async () => {
    expect(await new Launcher('--clean', '--data', data).ended()).toBe(0);
    expect(existsSync(data)).toBe(false);
  });
});
