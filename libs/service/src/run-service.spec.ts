import { type ChildProcess, spawn } from 'node:child_process';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Keyring } from '@puerta/config';
import { DomainError } from '@puerta/contracts/core';
import { BusClient, callContext, Sealer, ServiceClient } from '@puerta/messaging';
import {
  createDatabase,
  freePort,
  HttpClient,
  PROGRAM,
  testRedisUrl,
  type TestDatabase,
  waitFor,
} from '@puerta/testing';
import { sampleContract } from '../test/sample';
import { decodeError } from './errors';

const folder = join(__dirname, '../test');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CANARY = 'canary-9f3-secret';

let database: TestDatabase;
let client: BusClient;
let sample: ServiceClient<typeof sampleContract>;
const busKey = randomBytes(32);
const sealer = new Sealer(new Keyring(new Map([['b1', createSecretKey(busKey)]])));
const prefix = `service-${randomUUID().slice(0, 8)}`;
const started: Program[] = [];
/** Both at the same time on one database. */
const migrations: Program[] = [];

/** One process of the sample service. */
class Program {
  output = '';
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #port: number;

  constructor(file: string, env: Record<string, string | undefined>, port = 0) {
    this.#port = port;
    this.#child = spawn(process.execPath, [PROGRAM, join(folder, file)], {
      env: { ...goodEnvironment(), INTERNAL_PORT: String(port), ...env },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk) => (this.output += String(chunk)));
    // `close` and not `exit`: then all output is here.
    this.exited = new Promise((resolve) => this.#child.on('close', (code) => resolve(code)));
    started.push(this);
  }

  get http(): HttpClient {
    return new HttpClient(`http://127.0.0.1:${this.#port}`, { described: false });
  }

  get lines(): Record<string, unknown>[] {
    const complete = this.output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return complete.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  ready(): Promise<unknown> {
    const died = this.exited.then(() => Promise.reject(new Error(this.output)));
    return Promise.race([died, waitFor(async () => (await this.http.get('/health/ready')).status === 200, 20_000)]);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  /** As the kernel does when whoever started it was killed. */
  orphan(): void {
    for (const stream of this.#child.stdio) stream?.destroy();
  }
}

function goodEnvironment(): Record<string, string | undefined> {
  return {
    PATH: process.env['PATH'],
    PUERTA_TEST_BUNDLES: process.env['PUERTA_TEST_BUNDLES'],
    NODE_ENV: 'test',
    REDIS_URL: testRedisUrl(),
    BUS_PREFIX: prefix,
    BUS_SECRET: `b1:${busKey.toString('base64')}`,
    SAMPLE_DATABASE_URL: database.url,
    SAMPLE_SECRET: randomBytes(32).toString('base64'),
  };
}

async function run(env: Record<string, string | undefined> = {}): Promise<Program> {
  const program = new Program('main.program.ts', env, await freePort());
  await program.ready();
  return program;
}

beforeAll(async () => {
  database = await createDatabase();
  client = new BusClient({ redis: testRedisUrl(), prefix, sealer, service: 'tester', decodeError, logger: silent });
  sample = new ServiceClient(client, sampleContract);
  await client.connect();
  migrations.push(...[0, 1].map(() => new Program('migrate.program.ts', {})));
  await Promise.all(migrations.map((program) => program.exited));
});

afterAll(async () => {
  for (const program of started) program.signal('SIGKILL');
  await Promise.all(started.map((program) => program.exited));
  await client.close();
  await database.drop();
});

describe('a service', () => {
  let program: Program;

  beforeAll(async () => {
    program = await run();
  });

  it('answers over the bus, is ready, and counts', async () => {
    expect(await sample.request('things.make', { name: ' a ' })).toMatchObject({ name: 'a' });
    expect((await program.http.get('/health')).body).toEqual({ status: 'healthy', service: 'sample' });
    expect((await program.http.get('/health/ready')).body).toEqual({ status: 'ready', not_ready: [] });
    const metrics = String((await program.http.get('/metrics')).body);
    expect(metrics).toMatch(
      /puerta_bus_handle_duration_seconds_count\{service="sample",pattern="things\.make",outcome="ok"\} 1/,
    );
    expect(metrics).toContain('process_cpu_user_seconds_total{service="sample"}');
  });

  it('answers a retry with the same Idempotency-Key as it answered the first time', async () => {
    const idempotencyKey = randomUUID();
    const ask = (name: string) => sample.request('things.make', { name }, { idempotencyKey });
    const first = await ask('x');
    // Of somebody who is nobody, the request is part of the key.
    const other = await ask('y');
    expect([first.name, other.name]).toEqual(['x', 'y']);
    expect(await ask('x')).toEqual(first);
    expect(await ask('y')).toEqual(other);
  });

  it('sends refusals with all they say, and of the unexpected nothing', async () => {
    const refused = await sample.request('things.refuse', { name: 'x' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DomainError);
    expect(refused).toMatchObject({
      code: 'too_many_attempts',
      extra: { meta: { retry_after: 7 }, errors: [{ field: 'name', code: 'too_short', params: { min: 2 } }] },
    });
    await expect(sample.request('things.make', { name: 7 } as never)).rejects.toMatchObject({
      code: 'validation_failed',
    });

    const context = { requestId: 'request-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const broken = await callContext
      .run(context, () => sample.request('things.break', { name: CANARY }))
      .catch((error: unknown) => error);
    expect(broken).toMatchObject({ code: 'internal', extra: {} });
    const line = await waitFor(() => program.lines.find((one) => one['msg'] === 'handling a message failed'));
    expect(line).toMatchObject({
      level: 'error',
      service: 'sample',
      pattern: 'things.break',
      caller: 'tester',
      request_id: 'request-1',
      error: { type: 'SyntaxError', stack: expect.stringMatching(/^at JSON.parse/) },
    });
    expect(program.output).not.toContain(CANARY);
  });

  it('is not ready while PostgreSQL is away, says so on its internal port, and comes back', async () => {
    await allowConnections(false);
    await waitFor(async () => {
      const { status, body } = await program.http.get('/health/ready');
      return status === 503 && JSON.stringify(body) === '{"status":"not_ready","not_ready":["postgres"]}';
    });
    await expect(sample.request('things.make', { name: 'away' })).rejects.toMatchObject({
      code: 'service_unavailable',
    });
    await allowConnections(true);
    await program.ready();
    expect(await sample.request('things.make', { name: 'back' })).toMatchObject({ name: 'back' });
    // Lines are written in batches.
    await waitFor(() => ['not ready', 'ready again'].every((msg) => program.lines.some((line) => line['msg'] === msg)));
  });

  it('does not care about standard input', async () => {
    program.closeInput();
    await sleep(300);
    expect((await program.http.get('/health/ready')).status).toBe(200);
  });

  it('keeps another from starting on its internal port, which ends with 1 and the reason', async () => {
    const other = new Program('main.program.ts', {}, Number(new URL(program.http.baseUrl).port));
    expect(await other.exited).toBe(1);
    expect(other.output).toMatch(/cannot start: listen EADDRINUSE/);
  });

  it('ends in order on SIGTERM, with what runs answered', async () => {
    const running = sample.request('things.slow', { name: 'slow' });
    await sleep(200);
    program.signal('SIGTERM');
    expect(await running).toEqual({ name: 'slow' });
    expect(await program.exited).toBe(0);
    expect(program.lines.map((line) => line['msg'])).toEqual(
      expect.arrayContaining(['started', 'stopping', 'stopped']),
    );
  });

  it('ends when whoever started it was killed, though nobody reads its log', async () => {
    const program = await run({ PUERTA_EXIT_WITH_PARENT: '1' });
    program.orphan();
    expect(await program.exited).toBe(0);
  });

  it('ends when standard input does, if it was asked to', async () => {
    const program = await run({ PUERTA_EXIT_WITH_PARENT: '1' });
    program.closeInput();
    expect(await program.exited).toBe(0);
    expect(program.lines).toContainEqual(expect.objectContaining({ msg: 'stopping', reason: 'stdin ended' }));
  });

  it('logs and dies of a rejection that nobody handles, without its message', async () => {
    const program = await run();
    await sample.request('things.forget', { name: CANARY }, { ttlMs: 500 }).catch(() => undefined);
    expect(await program.exited).toBe(1);
    expect(program.lines).toContainEqual(
      expect.objectContaining({ level: 'fatal', msg: 'a promise was rejected and nobody listened' }),
    );
    expect(program.output).not.toContain(CANARY);
  });
});

describe('a service without a database', () => {
  it('answers and is ready where nothing says where a PostgreSQL is', async () => {
    const program = new Program('without-database.program.ts', { SAMPLE_DATABASE_URL: undefined }, await freePort());
    await program.ready();
    expect(await sample.request('things.slow', { name: 'a' })).toEqual({ name: 'a' });
    expect((await program.http.get('/health/ready')).body).toEqual({ status: 'ready', not_ready: [] });
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });
});

describe('a service that cannot start', () => {
  it('exits with 78 and says everything that is wrong with its configuration', async () => {
    const program = new Program('main.program.ts', { REDIS_URL: '', SAMPLE_SECRET: 'short', LOG_LEVEL: 'loud' });
    expect(await program.exited).toBe(78);
    expect(program.output).toMatch(
      /^sample cannot start, .* has 3 problem\(s\):\n  LOG_LEVEL .*\n  REDIS_URL .*\n  SAMPLE_SECRET .*\n$/,
    );
  });

  it('exits with 1 and the reason when its handlers are not what the contract says', async () => {
    const program = new Program('main.program.ts', { SAMPLE_WITHOUT_HANDLERS: 'on' });
    expect(await program.exited).toBe(1);
    expect(program.output).toMatch(
      /cannot start: handlers do not match the contract of sample: without handler: things\.make/,
    );
  });
});

describe('its migrations', () => {
  it('run once, also when started twice at the same time, and say what they did', async () => {
    expect(await Promise.all(migrations.map((program) => program.exited))).toEqual([0, 0]);
    const counts = migrations.map(
      (program) => program.lines.find((line) => String(line['msg']).startsWith('the tables'))?.['count'],
    );
    expect(counts.sort()).toEqual([0, 2]);
  });

  it('exit with 1 and the reason when PostgreSQL is not there, 78 when nobody says where', async () => {
    const nowhere = new Program('migrate.program.ts', {
      SAMPLE_DATABASE_URL: `postgres://u:${CANARY}@127.0.0.1:${await freePort()}/d`,
    });
    expect(await nowhere.exited).toBe(1);
    expect(nowhere.output).toMatch(/cannot migrate: connect ECONNREFUSED/);
    expect(nowhere.output).not.toContain(CANARY);
    expect(await new Program('migrate.program.ts', { SAMPLE_DATABASE_URL: '' }).exited).toBe(78);
  });
});

/** Throws everybody out of the suite's database and keeps them out, or lets them in again. */
async function allowConnections(allowed: boolean): Promise<void> {
  const { Client } = await import('pg');
  const url = new URL(database.url);
  url.pathname = '/postgres';
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  // Superusers ignore ALLOW_CONNECTIONS' cousin CONNECTION LIMIT, but not this.
  await admin.query(`ALTER DATABASE ${database.name} ALLOW_CONNECTIONS ${allowed}`);
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database.name]);
  await admin.end();
}
