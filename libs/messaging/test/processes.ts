import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROGRAM } from '@puerta/testing';
import { freePort } from '../../../tools/embedded/process.mjs';
import { startRedis } from '../../../tools/embedded/redis.mjs';
import { Bench } from './harness';

/** A replica of the sample service that can be killed and frozen. */
export class ReplicaProcess {
  private constructor(
    readonly replica: string,
    private readonly child: ChildProcess,
  ) {}

  static async start({ url, prefix }: Bench): Promise<ReplicaProcess> {
    const child = fork(PROGRAM, [join(__dirname, 'replica.program.ts'), url, prefix], { execArgv: [] });
    const [replica] = (await Promise.race([once(child, 'message'), failure(child)])) as [string];
    return new ReplicaProcess(replica, child);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }
}

export interface Run {
  readonly key: string;
  readonly replica: string;
  readonly at: number;
}

/** Which replicas ran what: key → replicas, in the order of their runs. */
export async function runsOf(bench: Bench): Promise<Map<string, string[]>> {
  const runs = (await bench.redis.smembers(`${bench.prefix}:runs`)).map((note) => JSON.parse(note) as Run);
  const byKey = new Map<string, string[]>();
  for (const { key, replica } of runs.sort((a, b) => a.at - b.at)) {
    byKey.set(key, [...(byKey.get(key) ?? []), replica]);
  }
  return byKey;
}

/** A Redis of the suite's own, whose data outlives a stop. */
export class OwnRedis {
  private constructor(
    private server: Awaited<ReturnType<typeof startRedis>>,
    readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<OwnRedis> {
    const folder = await mkdtemp(join(tmpdir(), 'bus-redis-'));
    const port = await freePort();
    return new OwnRedis(await startRedis({ folder, port }), folder, port);
  }

  get url(): string {
    return this.server.url;
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  async start(): Promise<void> {
    this.server = await startRedis({ folder: this.folder, port: this.port });
  }

  freeze(): void {
    process.kill(this.server.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.server.pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.server.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A test with a Redis of its own. */
export function inOwnRedis(test: (bench: Bench, redis: OwnRedis) => Promise<void>): () => Promise<void> {
  return async () => {
    const redis = await OwnRedis.start();
    const bench = new Bench(redis.url);
    try {
      await test(bench, redis);
    } finally {
      await bench.close();
      await redis.close();
    }
  };
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`a replica ended with ${code} before it was up`);
}
