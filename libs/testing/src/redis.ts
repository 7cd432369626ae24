import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../../tools/embedded/process.mjs';
import { startRedis as start } from '../../../tools/embedded/redis.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';

/** A Redis for one suite that does to it what must not be done to the shared one. Address and data stay over restarts. */
export interface TestRedis {
  readonly url: string;
  /** Orderly shutdown; what was written is there again after `start`. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay open, and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const folder = temporaryFolder('redis');
  const port = await freePort();
  let server = await start({ folder, port });
  return {
    url: server.url,
    stop: () => server.stop(),
    kill: () => server.kill(),
    start: async () => {
      server = await start({ folder, port });
    },
    pause: () => void process.kill(server.pid, 'SIGSTOP'),
    resume: () => void process.kill(server.pid, 'SIGCONT'),
    close: async () => {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What Redis refused to users whose names begin so, in its words; of the last 128 refusals. */
export async function refusedByRedis(url: string, users: string): Promise<string[]> {
  const client = new Redis(url);
  try {
    const log = (await client.call('ACL', 'LOG', '128')) as string[][];
    return log.map((entry) => entry.join(' ')).filter((entry) => entry.includes(` username ${users}`));
  } finally {
    client.disconnect();
  }
}
