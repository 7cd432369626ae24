import { setTimeout as sleep } from 'node:timers/promises';
import { testRedisUrl, Wire } from '@puerta/testing';
import { Log } from '../../test/harness';
import { Connection } from './connection';

/** Each byte where the handshake is short; fewer in the description of Redis that ioredis asks for. */
const BYTES = [...Array.from({ length: 24 }, (_, n) => n), 30, 40, 60, 80, 120, 200, 400, 1_000, 2_000, 4_000];

/** An error event that nobody listens to would be an uncaught exception, which fails the test. */
it('comes back after it was reset, at whichever byte', async () => {
  const back = await Promise.all(BYTES.map((bytes) => brokenAfter(bytes, 'redis')));
  expect(back).toEqual(BYTES.map(() => true));
});

it('goes on asking where to connect when that is reset, at whichever byte', async () => {
  const back = await Promise.all(BYTES.map((bytes) => brokenAfter(bytes, 'redis-cluster')));
  // It asks a single Redis, which says that it is no Cluster.
  expect(back).toEqual(BYTES.map(() => false));
});

async function brokenAfter(bytes: number, kind: 'redis' | 'redis-cluster'): Promise<boolean> {
  const wire = new Wire(new URL(testRedisUrl()));
  await wire.open();
  wire.resetAfter(bytes);
  const redis = wire.through(testRedisUrl()).replace('redis', kind);
  const connection = new Connection({ redis, slotKey: 'key', name: 'broken', logger: new Log() });
  connection.connect();
  const used = connection.whenReady(150).then(() => connection.redis.time().catch(() => undefined));
  await sleep(150);
  wire.resetAfter(Infinity);
  await used;
  const back = (await connection.whenReady(kind === 'redis' ? 3_000 : 150)) && connection.ready;
  wire.cut();
  connection.close(); // at the same moment
  await wire.close();
  return back;
}
