import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@puerta/config';
import { PROGRAM, startRedis, testRedisUrl, waitFor } from '@puerta/testing';
import { Redis } from 'ioredis';
import { temporaryRoot } from '../../test/backends';
import { folderId, hostsKey, SingleHost, type SingleHostOptions } from './single-host';

const LEASE_MS = 1_000;

describe('a folder of files', () => {
  let folder: string;
  let prefix: string;
  const claims: SingleHost[] = [];

  beforeEach(async () => {
    folder = await temporaryRoot();
    prefix = `t-${randomUUID().slice(0, 8)}`;
  });
  afterEach(async () => {
    for (const claim of claims.splice(0)) await claim.release();
    await rm(folder, { recursive: true });
  });

  const optionsOf = (more: Partial<SingleHostOptions> = {}): SingleHostOptions => ({
    redis: testRedisUrl(),
    prefix,
    folder,
    app: 'gateway',
    leaseMs: LEASE_MS,
    ...more,
  });
  const claim = async (more: Partial<SingleHostOptions> = {}): Promise<SingleHost> => {
    const made = await SingleHost.claim(optionsOf(more));
    claims.push(made);
    return made;
  };
  const members = async (): Promise<string[]> => {
    const redis = new Redis(testRedisUrl());
    const all = await redis.zrange(hostsKey(prefix), 0, -1);
    redis.disconnect();
    return all;
  };

  it('is used by any number of processes of one host', async () => {
    await Promise.all(['gateway', 'card-issuer', 'card-issuer'].map((app) => claim({ app })));
    await sleep(LEASE_MS * 1.5);
    expect(await members()).toHaveLength(3);
  });

  it('is refused on another host for as long as one uses it, with words that help', async () => {
    const first = await claim({ app: 'card-issuer', host: 'host-a' });
    const second = claim({ host: 'host-b' });
    await expect(second).rejects.toThrow(ConfigError);
    await expect(second).rejects.toThrow(/STORAGE_URL is a folder, .* card-issuer .* on another host: .*s3:/);
    await first.release();
    await claim({ host: 'host-b' });
  });

  it('is refused on one host when it is not the same folder', async () => {
    await claim();
    const other = await temporaryRoot();
    await expect(claim({ folder: other })).rejects.toThrow(/uses another one on this host/);
    await rm(other, { recursive: true });
  });

  it('is the same for all who start at once in one that is new', async () => {
    for (let round = 0; round < 300; round++) {
      const fresh = await temporaryRoot();
      const ids = await Promise.all(Array.from({ length: 3 }, () => folderId(fresh)));
      expect(ids).toEqual(Array(3).fill(expect.stringMatching(/^[0-9a-f-]{36}$/)));
      expect(new Set(ids).size).toBe(1);
      expect(readdirSync(fresh)).toEqual(['folder-id']);
      await rm(fresh, { recursive: true });
    }
  });

  it('is known again by its marker, whatever it is called', async () => {
    await claim();
    const copy = await temporaryRoot();
    await cp(join(folder, 'folder-id'), join(copy, 'folder-id'));
    await claim({ folder: copy });
    await rm(copy, { recursive: true });
  });

  it('goes to exactly one of two hosts that start at once', async () => {
    const results = await Promise.allSettled(['host-a', 'host-b'].map((host) => claim({ host })));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('waits for Redis, and is claimed again when Redis forgot', async () => {
    const redis = await startRedis();
    await redis.stop();
    const waiting = claim({ redis: redis.url });
    await sleep(300);
    await redis.start();
    await waiting;
    const client = new Redis(redis.url);
    await client.flushall();
    await waitFor(async () => (await client.zcard(hostsKey(prefix))) === 1);
    client.disconnect();
    await claims.pop()?.release();
    await redis.close();
  });

  describe('used by a process', () => {
    const start = async (host: string): Promise<[ChildProcess, unknown]> => {
      const child = fork(PROGRAM, [
        join(__dirname, '../../test/claimant.program.ts'),
        JSON.stringify(optionsOf({ host })),
      ]);
      const [said] = (await once(child, 'message')) as [unknown];
      return [child, said];
    };

    it('that was killed is free once its lease has ended, and another host waits that long by itself', async () => {
      const [first, said] = await start('host-a');
      expect(said).toBe('claimed');
      const [second, refused] = await start('host-b');
      expect(refused).toMatch(/on another host/);
      first.kill('SIGKILL');
      await once(first, 'exit');
      const [third, then] = await start('host-b');
      expect(then).toBe('claimed');
      for (const child of [second, third]) child.kill('SIGKILL');
    });
  });
});
