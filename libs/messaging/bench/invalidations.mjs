// How long it takes from telling of a change until two replicas have heard of it (which is when what they keep is
// dropped), against a bare PUBLISH to the same two.
// Usage, after a build: node libs/messaging/bench/invalidations.mjs [--seconds 3]   (REDIS_URL: a Redis to use)
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { startRedis } from '../../../tools/embedded/redis.mjs';
import { bus, silent } from './common.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const EVERY_MS = 5;

const own = process.env.REDIS_URL ? undefined : await startRedis();
const url = process.env.REDIS_URL ?? own.url;
const prefix = `bench-${randomBytes(6).toString('hex')}`;
const readers = [1, 2].map(() =>
  fork(new URL('invalidation-subscriber.mjs', import.meta.url), [url, prefix], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  }),
);
try {
  const publisher = new bus.InvalidationPublisher({ redis: url, prefix, service: 'bench', logger: silent });
  publisher.connect();
  const bare = new Redis(url);
  const beat = setInterval(() => void publisher.publishHeartbeat(() => Promise.resolve(0)).catch(() => undefined), 200);
  await Promise.all(readers.map((reader) => once(reader, 'message')));
  // The monotonic clock is one for all processes of a machine.
  const now = () => Number(process.hrtime.bigint() / 1_000n);
  for (const end = performance.now() + Number(values.seconds) * 1_000; performance.now() < end; await sleep(EVERY_MS)) {
    await publisher.publish([{ type: 'user.changed', data: { user_id: 'x', at: now() } }]);
    await bare.publish(prefix, String(now()));
  }
  clearInterval(beat);
  const figures = await Promise.all(
    readers.map(async (reader) => {
      reader.send('report');
      return (await once(reader, 'message'))[0];
    }),
  );
  const [ours, baseline] = ['subscriber', 'bare'].map((kind) => quantiles(figures.flatMap((one) => one[kind])));
  const show = ({ count, p50, p99 }) => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${count})`;
  console.log('a change until two replicas have dropped what they kept, against a bare PUBLISH to the same two');
  console.log(`  ours ${show(ours)}  baseline ${show(baseline)}  ratio of p50 ${(ours.p50 / baseline.p50).toFixed(2)}`);
  publisher.close();
  bare.disconnect();
} finally {
  for (const reader of readers) reader.kill();
  await own?.stop();
}

/** @param {number[]} micros */
function quantiles(micros) {
  const sorted = micros.sort((a, b) => a - b);
  const at = (share) => sorted[Math.ceil(sorted.length * share) - 1] / 1_000;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}
