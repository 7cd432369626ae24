import { randomUUID } from 'node:crypto';
import { isEmpty, message, write } from '../../test/by-hand';
import { eventually, inBench } from '../../test/harness';
import { type BusEvent, DeadLetters } from '..';
import { type Connection } from '../connection/connection';
import { Acknowledger } from './acknowledger';
import { type Entry } from './lane-reader';

it('a message whose reply Redis refuses for good becomes a dead letter, and is counted', inBench(async (bench) => {
  const [user, password] = [bench.prefix, randomUUID()];
  await bench.redis.call('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, '~*', '+@all', 'resetchannels');
  bench.onClose(() => bench.redis.call('ACL', 'DELUSER', user));
  const url = new URL(bench.url);
  [url.username, url.password] = [user, password];
  const events: BusEvent[] = [];
  const onEvent = (event: BusEvent) => void (event.type === 'dead_lettered' && events.push(event));
  let runs = 0;
  const { log } = await bench.replica(async () => void (runs += 1), { redis: url.href, onEvent });
  const sent = message(bench);
  await write(bench, sent);
  await eventually(() => isEmpty(bench));
  expect(await new DeadLetters(bench.redis, bench.prefix, 'sample').list()).toMatchObject([{ id: sent.id, deliveries: 1 }]);
  expect(events).toEqual([{ type: 'dead_lettered', pattern: 'work.do', caller: 'tester', lane: 'fast' }]);
  expect(log.errors.map((line) => line.message)).toContain('Redis refuses replies to a caller; the message is a dead letter');
  expect(runs).toBe(1);
}));

it('says when so much cannot be acknowledged that nothing more may be read', async () => {
  const refused = () => Promise.reject(new Error('NOPERM this user has no permissions to run the command'));
  const acknowledger = new Acknowledger({
    connection: { ready: false, run: refused } as unknown as Connection,
    group: 'sample',
    deadLetters: 'dead',
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    onRefused: () => undefined,
  });
  const source = { stream: 'stream', caller: 'tester', lane: 'fast' } as const;
  const finish = (n: number) => acknowledger.finish({ source, id: `${n}-1`, fields: [], deliveries: 1, asked: 0 } as Entry, undefined, () => undefined);
  for (let n = 0; n < 999; n += 1) finish(n);
  await eventually(() => !acknowledger.idle);
  expect(acknowledger.full).toBe(false);
  finish(999);
  await eventually(() => acknowledger.full);
});
