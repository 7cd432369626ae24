import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { testRedisUrl } from '@puerta/testing';
import { main } from './main.mjs';

const prefix = `cli-${randomUUID().slice(0, 8)}`;
const environment = { REDIS_URL: testRedisUrl(), BUS_PREFIX: prefix };
const dead = `${prefix}:{identity}:dead`;
const stream = `${prefix}:{identity}:gateway:fast`;
let redis: Redis;

beforeAll(() => (redis = new Redis(testRedisUrl())));
afterEach(() => redis.del(dead, stream, `${prefix}:{identity}:replicas`, `${prefix}:{identity}:leases`));
afterAll(() => redis.disconnect());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What the command does, in this process: each process of its own takes half a second of a core. */
async function bus(args: string[], env: Record<string, string> = environment): Promise<Ended> {
  let [out, err] = ['', ''];
  const spies = [
    jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => ((out += String(chunk)), true)),
    jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => ((err += String(chunk)), true)),
  ];
  try {
    return { code: await main(args, env), out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** As an operator calls it. */
function busProcess(args: string[]): Promise<Ended> {
  const script = join(__dirname, '../bus.mjs');
  const child = spawn(process.execPath, [script, ...args], { env: { PATH: process.env['PATH'], ...environment } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

const headOf = (id: string) => `${id}\nusers.me\nr\n\n\n`;

/** As a replica of identity leaves it that gives up. */
async function deadLetter(): Promise<string> {
  const id = randomUUID();
  const about = ['caller', 'gateway', 'lane', 'fast', 'deliveries', '4', 'entry', '1700000000000-0'];
  await redis.xadd(dead, '*', ...about, 'ttl', '7', 'head', headOf(id), 'sealed', 'canary');
  return id;
}

describe('npm run bus -- status', () => {
  it('shows streams, replicas and dead letters, and nothing of what messages say', async () => {
    const id = await deadLetter();
    const [seconds] = await redis.time();
    // From the near future, so that it is young however long the command takes to start.
    const heard = (Number(seconds) + 30) * 1_000;
    for (const set of ['replicas', 'leases']) await redis.zadd(`${prefix}:{identity}:${set}`, heard, 'r1');
    for (let i = 0; i < 3; i += 1) await redis.xadd(stream, '*', 'head', headOf(randomUUID()), 'sealed', 'canary');
    await redis.xgroup('CREATE', stream, 'identity', '0');
    await redis.xreadgroup('GROUP', 'identity', 'r1', 'COUNT', 2, 'STREAMS', stream, '>');

    const { code, out, err } = await busProcess(['status']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^identity: 1 replica takes messages\n {2}replica r1 {2}heard \d\.\d s ago, has 2 in hand\n/);
    expect(out).toMatch(/from gateway, fast +1 waiting, 2 in hand, the oldest \d\.\d s old\n/);
    expect(out).toContain(`dead letter ${id}  users.me from gateway, given to replicas 4 times, given up 20`);
    expect(out).toContain('token-service: 0 replicas take messages');
    expect(out).not.toContain('canary');

    const json = await bus(['status', '--json']);
    expect(json.out).not.toContain('canary');
    expect(JSON.parse(json.out)).toContainEqual(
      expect.objectContaining({
        callee: 'identity',
        replicas: 1,
        deadLetters: [
          expect.objectContaining({ id, pattern: 'users.me', caller: 'gateway', sent_at: '2023-11-14T22:13:20.000Z' }),
        ],
      }),
    );
  });

  it('finds the Redis of npm start by its data folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    try {
      expect(await bus(['status', '--data', folder], {})).toMatchObject({
        code: 1,
        err: expect.stringContaining('set REDIS_URL') as string,
      });
      mkdirSync(join(folder, 'redis'));
      const { port, password } = new URL(testRedisUrl());
      writeFileSync(join(folder, 'redis/redis.conf'), `bind 127.0.0.1\nport ${port}\n`);
      writeFileSync(join(folder, 'redis/password'), password);
      expect(await bus(['status', '--data', folder], { BUS_PREFIX: prefix })).toMatchObject({
        code: 0,
        out: expect.stringContaining('identity: 0 replicas') as string,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says in words when Redis is away, and not its password', async () => {
    const { code, err } = await bus(['status'], { REDIS_URL: 'redis://:very-secret-word@127.0.0.1:1' });
    expect(code).toBe(1);
    expect(err).toMatch(/^Redis does not answer: .*ECONNREFUSED/);
    expect(err).not.toContain('very-secret-word');
    expect((await bus(['status'], { REDIS_URL: 'nonsense' })).err).toContain('not a Redis URL');
  });
});

describe('npm run bus -- retry and drop', () => {
  it('put one back as it was, with a new time to live, or remove one; of the others nothing changes', async () => {
    const [first, second, third] = [await deadLetter(), await deadLetter(), await deadLetter()];
    expect(await bus(['retry', 'identity', second])).toEqual({ code: 0, out: '1 message put back\n', err: '' });
    const [[, fields] = []] = await redis.xrange(stream, '-', '+');
    expect(fields).toEqual(['ttl', '60000', 'head', headOf(second), 'sealed', 'canary']);
    expect(await bus(['drop', 'identity', third])).toMatchObject({ code: 0, out: '1 message dropped\n' });
    expect(await redis.xlen(dead)).toBe(1);
    expect((await bus(['status'])).out).toContain(`dead letter ${first}`);
  });

  it('end with the exit code of what they did', async () => {
    expect(await busProcess(['bury'])).toMatchObject({ code: 2, out: '' });
  });

  it('take all at once', async () => {
    await Promise.all([deadLetter(), deadLetter()]);
    expect(await bus(['retry', 'identity', '--all'])).toMatchObject({ code: 0, out: '2 messages put back\n' });
    expect([await redis.xlen(stream), await redis.xlen(dead)]).toEqual([2, 0]);
    expect(await bus(['drop', 'identity', '--all'])).toMatchObject({ code: 0, out: '0 messages dropped\n' });
  });

  it('do nothing when something is wrong, and say what', async () => {
    const id = await deadLetter();
    const unknown = randomUUID();
    const refusals: [string[], number, string][] = [
      [['drop', 'identity', id, unknown], 1, `identity has no dead letter ${unknown}; nothing was done`],
      [['drop', 'nobody', id], 1, 'name a service: identity, card-issuer, token-service'],
      [['drop', 'identity'], 1, 'name the ids of dead letters, or say --all'],
      [['drop', 'identity', id, '--all'], 1, 'name the ids of dead letters, or say --all'],
      [['drop', 'identity', '--al'], 2, "Unknown option '--al'"],
      [['bury'], 2, 'there is no command "bury"'],
    ];
    for (const [args, code, err] of refusals) {
      expect(await bus(args)).toMatchObject({ code, out: '', err: expect.stringContaining(err) as string });
    }
    expect(await redis.xlen(dead)).toBe(1);
    for (const command of ['status', 'retry', 'drop', 'acl']) {
      expect(await bus([command, '--help'])).toMatchObject({
        code: 0,
        out: expect.stringContaining('--help') as string,
      });
    }
    expect(await bus(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('retry') as string });
  }, 60_000);
});
