import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { waitFor } from '@puerta/testing';
import { tryLock } from './lock.mjs';
import { removePostgres, startPostgres } from './postgres.mjs';
import { ROOT_STATE } from './postgres-binaries.mjs';
import { identify, portProblem, recordOf, stillRuns, stopLeftover, writeRecord } from './process.mjs';
import { startRedis } from './redis.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a module in a process of its own; gives the process and the first line it prints, parsed. */
async function run<T>(code: string): Promise<{ pid: number; exited: Promise<unknown>; line: T; kill(): void }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const line = await waitFor(() => output.includes('\n') && output.split('\n')[0], 20_000);
  return { pid: child.pid ?? 0, exited, line: JSON.parse(line) as T, kill: () => child.kill('SIGKILL') };
}

const source = (name: string) => JSON.stringify(join(__dirname, name));

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the embedded servers', () => {
  it('end with the process that started them, even by kill -9, and leave nothing', async () => {
    const owner = await run<{ pid: number }[]>(`
      import { startPostgres } from ${source('postgres.mjs')};
      import { startRedis } from ${source('redis.mjs')};
      process.env.TMPDIR = ${JSON.stringify(folder)};
      const servers = await Promise.all([startPostgres(), startRedis()]);
      console.log(JSON.stringify(servers.map(({ pid }) => ({ pid }))));
      setInterval(() => {}, 1000);
    `);
    const records = owner.line.map(({ pid }) => recordOf(pid));
    expect(records.every(stillRuns)).toBe(true);
    owner.kill();
    await waitFor(() => !records.some(stillRuns), 5_000);
    await waitFor(() => readdirSync(folder).length === 0, 5_000);
  });

  it('keep their passwords to themselves', async () => {
    const redis = await startRedis({ folder });
    const { password } = new URL(redis.url);
    expect(statSync(join(folder, 'password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'redis.conf')).mode & 0o777).toBe(0o600);
    if (process.platform === 'linux') {
      expect(readFileSync(`/proc/${redis.pid}/cmdline`, 'utf8')).not.toContain(password);
      expect(readFileSync(`/proc/${redis.pid}/environ`, 'utf8')).not.toContain(password);
    }
    await redis.stop();
  });
});

describe('the embedded PostgreSQL', () => {
  /** All of these start on one folder: to make its data takes longer than anything else. */
  let kept: string;
  beforeAll(() => {
    kept = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    chmodSync(kept, 0o711);
  });
  afterAll(() => rmSync(kept, { recursive: true, force: true }));

  it('has what was committed after kill -9, on the port it is told, and with the same password', async () => {
    const first = await startPostgres({ folder: kept });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS value');
    await first.kill();
    const second = await startPostgres({ folder: kept, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
    await second.stop();
  });

  it('ends one that a killed owner has left running, and starts anew', async () => {
    const first = await startPostgres({ folder: kept });
    const left = recordOf(first.pid);
    const second = await startPostgres({ folder: kept });
    expect(stillRuns(left)).toBe(false);
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
  });

  it('takes no other process for a PostgreSQL because an old file holds its pid', async () => {
    const first = await startPostgres({ folder: kept });
    await first.stop();
    const data = join(kept, 'data');
    writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n0\n${first.port}\n\n127.0.0.1\n\nready\n`);
    const second = await startPostgres({ folder: kept });
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await second.stop();
    expect(stillRuns(recordOf(process.pid))).toBe(true);
  });

  it('lets nobody in without the password, and says why it does not start', async () => {
    const { url, port, stop } = await startPostgres();
    await expect(query(url.replace(/:[^:@/]*@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    );
    await expect(startPostgres({ folder: kept, port })).rejects.toThrow(/did not start[^]*Address already in use/);
    await stop();
  });
});

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('the embedded PostgreSQL of root, where its user may not enter', () => {
  const places = () =>
    existsSync(ROOT_STATE) ? readdirSync(ROOT_STATE).filter((name) => name.startsWith('postgres-')) : [];

  it('is elsewhere, where a failed first start leaves nothing, and from where it is removed with its folder', async () => {
    chmodSync(folder, 0o700);
    const [before, data] = [places(), join(folder, 'postgres')];
    const redis = await startRedis();
    await expect(startPostgres({ folder: data, port: redis.port })).rejects.toThrow('did not start');
    await redis.stop();
    expect(places()).toEqual(before);

    const server = await startPostgres({ folder: data });
    const place = readFileSync(join(data, 'location'), 'utf8').trim();
    expect(places()).toEqual([...before, place.slice(ROOT_STATE.length + 1)].sort());
    await removePostgres(data); // which runs: its launcher was killed
    await server.exited;
    expect([places(), existsSync(data)]).toEqual([before, false]);
    await removePostgres(data);
  });

  it('removes nothing that is not its own', async () => {
    writeFileSync(join(folder, 'location'), join(ROOT_STATE, 'postgres-x', '..', '..'));
    await expect(removePostgres(folder)).rejects.toThrow('does not name a folder of ours');
  });

  it('starts where its user may not enter the folders of our PATH', async () => {
    chmodSync(folder, 0o700);
    const open = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    chmodSync(open, 0o711);
    const { line, exited } = await run<string[]>(`
      import { readdirSync } from 'node:fs';
      import { startPostgres } from ${source('postgres.mjs')};
      Object.assign(process.env, { PATH: ${JSON.stringify(folder)}, TMPDIR: ${JSON.stringify(open)} });
      const server = await startPostgres();
      console.log(JSON.stringify(readdirSync(process.env.TMPDIR)));
      await server.stop();
    `);
    expect(line).toHaveLength(1); // in the temporary folder, not in another place because of the PATH
    await exited;
    rmSync(open, { recursive: true });
  });
});

describe('a throw-away server', () => {
  it('leaves nothing when it does not start, nor when its owner is killed while it is made', async () => {
    const owner = await run<boolean>(`
      import { startPostgres } from ${source('postgres.mjs')};
      import { readdirSync } from 'node:fs';
      process.env.TMPDIR = ${JSON.stringify(folder)};
      await import(${source('redis.mjs')}).then(({ startRedis }) => startRedis({ port: 70_000 })).catch(() => {});
      const left = readdirSync(process.env.TMPDIR).length === 0;
      startPostgres();
      const timer = setInterval(() => {
        const [place] = readdirSync(process.env.TMPDIR);
        if (!place || !readdirSync(process.env.TMPDIR + '/' + place).includes('data.new')) return;
        clearInterval(timer);
        console.log(JSON.stringify(left));
      }, 1);
    `);
    owner.kill();
    expect(owner.line).toBe(true);
    await waitFor(() => readdirSync(folder).length === 0, 5_000);
  });
});

describe('the embedded Redis', () => {
  it('evicts nothing, and has what it was given after kill -9', async () => {
    const first = await startRedis({ folder });
    const client = new Redis(first.url);
    await client.config('SET', 'appendfsync', 'always');
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    await client.set('kept', 'yes');
    client.disconnect();
    await first.kill();
    const second = await startRedis({ folder });
    const again = new Redis(second.url);
    expect(await again.get('kept')).toBe('yes');
    again.disconnect();
    await second.stop();
  });

  it('takes a folder whose name needs quoting', async () => {
    const odd = join(folder, `a "b" 'c' \\ d`);
    mkdirSync(odd);
    const redis = await startRedis({ folder: odd });
    await redis.stop();
    expect(existsSync(join(odd, 'appendonlydir'))).toBe(true);
  });
});

describe('a process record', () => {
  it('names one process, and none that gets its pid later', async () => {
    const child = await run<boolean>('console.log(true); setInterval(() => {}, 1000)');
    const record = recordOf(child.pid);
    expect(stillRuns(record)).toBe(true);
    expect(stillRuns({ pid: process.pid, identity: record.identity })).toBe(false);
    child.kill();
    await child.exited;
    expect(stillRuns(record)).toBe(false);
    expect(identify(child.pid)).toBeUndefined();
  });

  it('ends the recorded process and no other', async () => {
    const child = await run<boolean>('console.log(true); setInterval(() => {}, 1000)');
    const file = join(folder, 'process.json');
    writeFileSync(file, JSON.stringify({ pid: child.pid, identity: 'of another time' }));
    await stopLeftover(file, [['SIGKILL', 1_000]]);
    expect(stillRuns(recordOf(child.pid))).toBe(true);
    writeRecord(file, child.pid);
    await stopLeftover(file, [['SIGKILL', 1_000]]);
    expect(identify(child.pid)).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });
});

describe('a lock', () => {
  it('has one holder, and is free once released', () => {
    const file = join(folder, 'lock');
    const lock = tryLock(file);
    if (!('release' in lock)) throw new Error('not taken');
    expect(tryLock(file)).toEqual({ heldBy: process.pid, leaving: false });
    lock.leave();
    expect(tryLock(file)).toEqual({ heldBy: process.pid, leaving: true });
    lock.release();
    expect(tryLock(file)).toHaveProperty('release');
  });

  it('is taken over from a dead holder', async () => {
    const file = join(folder, 'lock');
    const child = await run<boolean>(`
      import { tryLock } from ${source('lock.mjs')};
      console.log('release' in tryLock(${JSON.stringify(file)}));
      setInterval(() => {}, 1000);
    `);
    expect(tryLock(file)).toMatchObject({ heldBy: child.pid });
    child.kill();
    await child.exited;
    expect(tryLock(file)).toHaveProperty('release');
  });

  it('lets processes that want it at once have it one after the other', async () => {
    const [file, log] = [join(folder, 'lock'), join(folder, 'log')];
    writeFileSync(file, JSON.stringify({ pid: process.pid, identity: 'of a dead process' }));
    const code = `
      import { appendFileSync } from 'node:fs';
      import { setTimeout } from 'node:timers/promises';
      import { withLock } from ${source('lock.mjs')};
      await withLock(${JSON.stringify(file)}, async () => {
        appendFileSync(${JSON.stringify(log)}, 'in ');
        await setTimeout(20);
        appendFileSync(${JSON.stringify(log)}, 'out ');
      });
      console.log(true);
    `;
    await Promise.all(Array.from({ length: 6 }, () => run(code).then(({ exited }) => exited)));
    expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(6));
  });
});

describe('portProblem', () => {
  it('knows a free port from a busy one', async () => {
    const redis = await startRedis();
    expect(await portProblem(redis.port)).toBe('EADDRINUSE');
    await redis.stop();
    expect(await portProblem(redis.port)).toBeUndefined();
  });
});
