import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../../tools/embedded/process.mjs';
import { redisUsers } from '../../../tools/embedded/redis-users.mjs';
import { startRedis as start } from '../../../tools/embedded/redis.mjs';
import { APPS, newPasswords } from '../../../tools/embedded/services.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';
import type { RedisServers } from './redis-servers';

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

/** What Redis refused to users whose names begin so, in its words; of the last 128 refusals of each server. */
export async function refusedByRedis(redis: string | RedisServers, users: string): Promise<string[]> {
  const logs =
    typeof redis === 'string' ? [await logOf(redis)] : await Promise.all(redis.nodes.map((node) => node.ask(...LOG)));
  const entries = (logs as string[][][]).flat().map((entry) => entry.join(' '));
  return entries.filter((entry) => entry.includes(` username ${users}`));
}

/** Keeps the apps of an installation from hearing what others tell of changes, or no longer. All else goes on. */
export async function setHearing(redisUrl: string, busPrefix: string, hearing: boolean): Promise<void> {
  const client = new Redis(redisUrl);
  try {
    for (const [user = '', ...rules] of Object.values(redisUsers(busPrefix, newPasswords(APPS)))) {
      const selectors = rules.filter((rule) => rule.startsWith('(') && (hearing || !rule.startsWith('(+xread ')));
      await client.call('ACL', 'SETUSER', user, 'clearselectors', ...selectors);
    }
  } finally {
    client.disconnect();
  }
}

const LOG = ['ACL', 'LOG', '10000'] as const;

async function logOf(url: string): Promise<unknown> {
  const client = new Redis(url);
  try {
    return await client.call(...LOG);
  } finally {
    client.disconnect();
  }
}
