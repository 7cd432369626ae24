import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { ConfigError } from '@puerta/config';
import { Connection, LUA_NOW, Script } from '@puerta/messaging';

export interface SingleHostOptions {
  readonly redis: string;
  /** Begins the key. */
  readonly prefix: string;
  /** The folder that the files are in. */
  readonly folder: string;
  /** The app, for whoever reads the refusal. */
  readonly app: string;
  /** Default: this one. */
  readonly host?: string;
  readonly leaseMs?: number;
}

const LEASE_MS = 10_000;
/** Redis may be starting too. */
const MOST_BOOT_MS = 30_000;
const ANSWER_MS = 1_000;
const RETRY_MS = 500;

/** In the folder: a random word, by which processes know that they see the same one. */
const MARKER = 'folder-id';

/**
 * Who uses the folder: a sorted set of processes by the end of their leases, in Redis' time. A member begins with host
 * and folder; adds one unless another member begins otherwise, which it answers then.
 */
const CLAIM = new Script(`${LUA_NOW}redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 1, #ARGV[1]) ~= ARGV[1] then return member end
end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1] .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return false`);

/** The key that all processes with a folder meet at. */
export function hostsKey(prefix: string): string {
  return `${prefix}:{storage}:hosts`;
}

/**
 * Keeps a folder from being used by two hosts, whose disks differ: half of the files would be missing on each. Every
 * process that uses it holds a lease in Redis for as long as it lives, and none starts beside one of another host, or
 * beside one that sees another folder.
 */
export class SingleHost {
  readonly #connection: Connection;
  readonly #key: string;
  readonly #member: string;
  readonly #leaseMs: number;
  readonly #logger = new Logger('SingleHost');
  #renewing: NodeJS.Timeout | undefined;

  private constructor(
    private readonly options: SingleHostOptions,
    /** Host and folder. */
    private readonly place: string,
  ) {
    this.#key = hostsKey(options.prefix);
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    this.#member = `${options.app} ${process.pid} ${randomUUID()}`;
    this.#connection = new Connection({
      ...{ redis: options.redis, slotKey: this.#key, name: `puerta-${options.app}-storage` },
      // The bus, over the same Redis, says when that is away.
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
  }

  /**
   * Takes a lease. A process that died has one for a moment longer, so a conflict is waited out that long.
   *
   * @throws ConfigError when another host uses a folder, or this one another folder; Error when Redis does not answer
   */
  static async claim(options: SingleHostOptions): Promise<SingleHost> {
    const host = options.host ?? (await thisHost());
    const claim = new SingleHost(options, `${host} ${await folderId(options.folder)} `);
    try {
      await claim.#start();
      return claim;
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** Ends the lease. */
  async release(): Promise<void> {
    clearInterval(this.#renewing);
    const removed = this.#connection.redis.zrem(this.#key, this.place + this.#member);
    await this.#connection.within(ANSWER_MS, removed).catch(() => undefined);
    this.#connection.close();
  }

  async #start(): Promise<void> {
    this.#connection.connect();
    await this.#connection.whenReady(ANSWER_MS);
    const other = await this.#waitForOthers();
    if (other !== undefined) throw this.#refusal(other);
    this.#renewing = setInterval(() => void this.#renew(), this.#leaseMs / 3).unref();
  }

  /** @returns whose lease it is that does not end */
  async #waitForOthers(): Promise<string | undefined> {
    const began = Date.now();
    for (;;) {
      const other = await this.#take().catch((error: unknown) => {
        if (Date.now() - began > MOST_BOOT_MS) throw error;
        return 'unknown' as const;
      });
      const waited = Date.now() - began;
      if (other === undefined) return undefined;
      if (other !== 'unknown' && waited > this.#leaseMs + RETRY_MS) return other;
      await sleep(Math.min(RETRY_MS, this.#leaseMs / 4));
    }
  }

  async #take(): Promise<string | undefined> {
    const other = await this.#connection.ask(CLAIM, [this.#key], [this.place, this.#member, this.#leaseMs]);
    return typeof other === 'string' ? other : undefined;
  }

  #refusal(other: string): ConfigError {
    const [host, , app, pid] = other.split(' ');
    const user = `${app} (process ${pid})`;
    const problem = this.place.startsWith(`${host} `)
      ? `is a folder, and ${user} uses another one on this host: give all apps the same`
      : `is a folder, which is for one host, and ${user} uses one on another host: give all apps a bucket (s3://…)`;
    return new ConfigError(this.options.app, [{ variable: 'STORAGE_URL', problem }]);
  }

  /** While Redis is away the lease may end; nobody else can take one then either. */
  async #renew(): Promise<void> {
    const other = await this.#take().catch(() => undefined);
    if (other !== undefined) this.#logger.error('another host uses a folder for the files too: some will be missing');
  }
}

/**
 * Of Linux, the id that the kernel gave itself when it booted: containers of one host share it, whatever they are
 * called. Elsewhere the name.
 */
async function thisHost(): Promise<string> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname());
  return bootId.trim();
}

/** The id of a folder, made when it has none. */
export async function folderId(folder: string): Promise<string> {
  const path = join(folder, MARKER);
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, randomUUID(), { mode: 0o600 });
  try {
    // Whoever comes first gives it its name, with what is in it; all read what is there then.
    await link(own, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(own, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}
