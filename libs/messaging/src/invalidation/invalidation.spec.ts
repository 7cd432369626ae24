import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '@puerta/testing';
import { type Bench, eventually, inBench, Log } from '../../test/harness';
import { inOwnRedis } from '../../test/processes';
import { InvalidationSubscriber, SILENCE_MS } from './invalidation-subscriber';
import { HEARTBEAT_WITHIN_MS, InvalidationPublisher } from './invalidation-publisher';

const holds = () => Promise.resolve(0);
const changed = (user_id: string) => ({ type: 'user.changed', data: { user_id } });

/** What a subscriber was told, in order: the user of a change, or `lost`. */
class Heard {
  readonly all: string[] = [];
  event = (_type: string, data: Readonly<Record<string, unknown>>) => this.all.push(String(data['user_id']));
  lost = () => this.all.push('lost');
}

function writerOf(bench: Bench): InvalidationPublisher {
  const publisher = new InvalidationPublisher({
    redis: bench.url,
    prefix: bench.prefix,
    service: 'sample',
    logger: new Log(),
  });
  bench.onClose(async () => publisher.close());
  publisher.connect();
  return publisher;
}

/** Says every 100 ms that all is told, until told to stop. */
function beating(bench: Bench, publisher: InvalidationPublisher): () => void {
  const timer = setInterval(() => void publisher.publishHeartbeat(holds).catch(() => undefined), 100);
  bench.onClose(async () => clearInterval(timer));
  return () => clearInterval(timer);
}

function subscriberOf(bench: Bench): { subscriber: InvalidationSubscriber; heard: Heard } {
  const options = { redis: bench.url, prefix: bench.prefix, service: 'sample', reader: 'tester', logger: new Log() };
  const subscriber = new InvalidationSubscriber(options);
  const heard = new Heard();
  subscriber.listen(heard);
  bench.onClose(() => subscriber.close());
  subscriber.connect();
  return { subscriber, heard };
}

/** An invalidation stream that is read, and fresh. */
async function freshStream(bench: Bench) {
  const publisher = writerOf(bench);
  const stop = beating(bench, publisher);
  const subscriber = subscriberOf(bench);
  await eventually(() => subscriber.subscriber.fresh);
  subscriber.heard.all.length = 0;
  return { publisher, stop, ...subscriber };
}

describe('an invalidation stream', () => {
  it(
    'tells every subscriber of every change, in order',
    inBench(async (bench) => {
      const { publisher, heard } = await freshStream(bench);
      const other = subscriberOf(bench);
      await eventually(() => other.subscriber.fresh);
      other.heard.all.length = 0;
      const users = Array.from({ length: 300 }, (_, n) => `u${n}`);
      for (let n = 0; n < users.length; n += 100) await publisher.publish(users.slice(n, n + 100).map(changed));
      await eventually(() => heard.all.length === 300 && other.heard.all.length === 300);
      expect(heard.all).toEqual(users);
      expect(other.heard.all).toEqual(users);
    }),
  );

  it(
    'is not fresh before the first heartbeat, and begins by dropping what was kept',
    inBench(async (bench) => {
      const publisher = writerOf(bench);
      await eventually(() => publisher.ready);
      await publisher.publish([changed('before')]);
      const { subscriber, heard } = subscriberOf(bench);
      await eventually(() => heard.all.length > 0);
      await sleep(300);
      expect(subscriber.fresh).toBe(false);
      await publisher.publishHeartbeat(holds);
      await eventually(() => subscriber.fresh);
      expect(heard.all).toEqual(['lost']);
    }),
  );

  it(
    'is not fresh any more 940 ms after the last heartbeat, and drops everything before it is fresh again',
    inBench(async (bench) => {
      const { publisher, stop, subscriber, heard } = await freshStream(bench);
      stop();
      const elapsed = stopwatch();
      await publisher.publish([changed('a')]);
      await eventually(() => !subscriber.fresh);
      expect(elapsed()).toBeLessThan(SILENCE_MS + 100);
      expect(heard.all).toEqual(['a']);
      await sleep(200);
      await publisher.publishHeartbeat(holds);
      await eventually(() => subscriber.fresh);
      expect(heard.all).toEqual(['a', 'lost']);
    }),
  );

  it(
    'has no heartbeat when something is left to tell, nor one that was held up on its way',
    inBench(async (bench) => {
      const publisher = writerOf(bench);
      await eventually(() => publisher.ready);
      expect(await publisher.publishHeartbeat(() => Promise.resolve(HEARTBEAT_WITHIN_MS + 1))).toBe(false);
      expect(await publisher.publishHeartbeat(() => sleep(HEARTBEAT_WITHIN_MS + 20, 0))).toBe(false);
      expect(await bench.redis.exists(bench.key('invalidations'))).toBe(0);
      expect(await publisher.publishHeartbeat(holds)).toBe(true);
    }),
  );

  it(
    'has one heartbeat for all replicas that send them at once',
    inBench(async (bench) => {
      const writers = [writerOf(bench), writerOf(bench), writerOf(bench)];
      await eventually(() => writers.every((publisher) => publisher.ready));
      expect(await Promise.all(writers.map((publisher) => publisher.publishHeartbeat(holds)))).toEqual([
        true,
        true,
        true,
      ]);
      expect(await bench.redis.xlen(bench.key('invalidations'))).toBe(1);
    }),
  );

  it(
    'has its heartbeats from one replica, and another takes over when that one is gone',
    inBench(async (bench) => {
      const stop = beating(bench, writerOf(bench));
      const { subscriber } = subscriberOf(bench);
      await eventually(() => subscriber.fresh);
      const standby = writerOf(bench);
      await eventually(() => standby.ready);
      let looks = 0;
      const look = () => Promise.resolve((looks += 1) && 0);
      for (let n = 0; n < 5; n += 1) expect(await standby.publishHeartbeat(look)).toBe(true);
      expect(looks).toBe(0);
      stop();
      const silent = performance.now();
      await eventually(async () => (await standby.publishHeartbeat(look)) && looks > 0);
      expect(performance.now() - silent).toBeLessThan(1_500);
      await eventually(() => subscriber.fresh);
    }),
  );

  it(
    'drops everything when entries are missing, however soon the next heartbeat comes',
    inBench(async (bench) => {
      const { publisher, subscriber, heard } = await freshStream(bench);
      const key = bench.key('invalidations');
      // What an emptied Redis, or a replica that had not everything yet, looks like from here.
      await bench.redis
        .multi()
        .xadd(key, '*', 'prev', 'x', 'type', 'user.changed', 'data', '{"user_id":"unseen"}')
        .del(key)
        .exec();
      await publisher.publish([changed('next')]);
      await eventually(() => heard.all.includes('next'));
      expect(heard.all.indexOf('lost')).toBeLessThan(heard.all.indexOf('next'));
      expect(heard.all).not.toContain('unseen');
      await eventually(() => subscriber.fresh);
    }),
  );

  it(
    'drops everything for an entry that nobody understands',
    inBench(async (bench) => {
      const { heard } = await freshStream(bench);
      const key = bench.key('invalidations');
      const [newest] = (await bench.redis.xrevrange(key, '+', '-', 'COUNT', 1)) as [[string, string[]]];
      await bench.redis.xadd(key, '*', 'prev', newest[0], 'type', 'user.changed', 'data', 'no json');
      await eventually(() => heard.all.includes('lost'));
    }),
  );

  it(
    'keeps no more than about a minute',
    inBench(async (bench) => {
      const publisher = writerOf(bench);
      await eventually(() => publisher.ready);
      const key = bench.key('invalidations');
      const old = Date.now() - 61_000;
      const pipeline = bench.redis.pipeline();
      for (let n = 0; n < 1_000; n += 1) pipeline.xadd(key, `${old}-${n}`, 'prev', 'x', 'type', 'beat', 'data', '');
      await pipeline.exec();
      await publisher.publish([changed('a')]);
      // Whole nodes of the stream's tree are dropped, of a hundred entries each.
      expect(await bench.redis.xlen(key)).toBeLessThanOrEqual(101);
    }),
  );

  it(
    'is dropped when its connection was cut, and fresh again after the next heartbeat',
    inBench(async (bench) => {
      const { subscriber, heard } = await freshStream(bench);
      const clients = String(await bench.redis.client('LIST')).split('\n');
      const id =
        clients.find((line) => line.includes('name=tester:invalidations:sample'))?.match(/^id=(\d+)/)?.[1] ?? '';
      await bench.redis.call('CLIENT', 'KILL', 'ID', id);
      await eventually(() => heard.all.includes('lost'));
      await eventually(() => subscriber.fresh);
      expect(heard.all).toEqual(['lost']);
    }),
  );

  it(
    'is not fresh while Redis is frozen, by the subscriber’s own clock, and comes back by itself',
    inOwnRedis(async (bench, redis) => {
      const { subscriber } = await freshStream(bench);
      redis.freeze();
      const elapsed = stopwatch();
      await eventually(() => !subscriber.fresh);
      expect(elapsed()).toBeLessThan(SILENCE_MS + 100);
      await sleep(2_000);
      expect(subscriber.fresh).toBe(false);
      redis.thaw();
      await eventually(() => subscriber.fresh);
    }),
  );

  it(
    'is not fresh when the machine wakes, whose monotonic clock stood still, and comes back by itself',
    inBench(async (bench) => {
      const { subscriber } = await freshStream(bench);
      const wall = Date.now.bind(Date);
      const spy = jest.spyOn(Date, 'now').mockImplementation(() => wall() + 60_000);
      expect(subscriber.fresh).toBe(false);
      await eventually(() => subscriber.fresh);
      spy.mockRestore();
    }),
  );

  it(
    'comes back by itself after Redis was stopped',
    inOwnRedis(async (bench, redis) => {
      const { subscriber, publisher, heard } = await freshStream(bench);
      await redis.stop();
      await eventually(() => !subscriber.fresh);
      await expect(publisher.publish([changed('a')])).rejects.toThrow();
      await redis.start();
      await eventually(() => subscriber.fresh);
      expect(heard.all).toContain('lost');
      await publisher.publish([changed('b')]);
      await eventually(() => heard.all.includes('b'));
    }),
  );
});
