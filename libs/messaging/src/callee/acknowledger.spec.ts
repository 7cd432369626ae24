import { randomUUID } from 'node:crypto';
import { flat, hear, isEmpty, message } from '../../test/by-hand';
import { type Bench, eventually, inBench } from '../../test/harness';
import { sealerFor } from '../../test/keys';
import { type BusEvent, DeadLetters } from '..';
import { type Connection } from '../connection/connection';
import { Keys } from '../wire/keys';
import { Acknowledger } from './acknowledger';
import { type Replica } from './replica';

/** A user of Redis with rights to everything, but to these channels alone. */
async function userWith(bench: Bench, ...channels: string[]): Promise<string> {
  const [user, password] = [bench.prefix, randomUUID()];
  const rules = ['~*', '+@all', 'resetchannels', ...channels.map((channel) => `&${channel}`)];
  await bench.redis.call('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, ...rules);
  bench.onClose(() => bench.redis.call('ACL', 'DELUSER', user));
  return Object.assign(new URL(bench.url), { username: user, password }).href;
}

it(
  'a message whose reply Redis refuses for good becomes a dead letter, and is counted; others are answered',
  inBench(async (bench) => {
    const redis = await userWith(bench, `${bench.prefix}:reply:tester:good`);
    const events: BusEvent[] = [];
    const onEvent = (event: BusEvent) => void (event.type === 'dead_lettered' && events.push(event));
    let runs = 0;
    const answers = await hear(bench);
    const { log } = await bench.replica(async () => void (runs += 1), { redis, onEvent });
    const good = [1, 2].map(() => message(bench, { reply: 'good' }));
    const sent = message(bench);
    // In one transaction, so that they are read, and acknowledged, together.
    const writing = bench.redis.multi();
    for (const one of [good[0], sent, good[1]]) writing.xadd(bench.key('tester:fast'), '*', ...flat(one ?? {}));
    await writing.exec();
    await eventually(() => isEmpty(bench));
    expect(await new DeadLetters(bench.redis, bench.prefix, 'sample').list()).toMatchObject([
      { id: sent.id, deliveries: 1 },
    ]);
    await eventually(() => answers.size === 2);
    expect([...answers.keys()].sort()).toEqual(good.map(({ id }) => id).sort());
    expect(events).toEqual([{ type: 'dead_lettered', pattern: 'work.do', caller: 'tester', lane: 'fast' }]);
    expect(log.errors.map((line) => line.message)).toContain(
      'Redis refuses replies to a caller; the message is a dead letter',
    );
    expect(runs).toBe(3);
  }),
);

it('says when so much cannot be acknowledged that nothing more may be read', async () => {
  const refused = () => Promise.reject(new Error('NOPERM this user has no permissions to run the command'));
  const acknowledger = new Acknowledger({
    ...{ id: 'me', callee: 'sample', keys: new Keys('bus'), sealer: sealerFor('bus') },
    commands: { ready: false, run: refused } as unknown as Connection,
  } as Replica);
  const source = { stream: 'stream', caller: 'tester', lane: 'fast' } as const;
  const finish = (n: number) =>
    acknowledger.finish(
      { source, id: `${n}-1`, fields: [], deliveries: 1, asked: 0, settle: () => undefined },
      undefined,
    );
  for (let n = 0; n < 999; n += 1) finish(n);
  await eventually(() => !acknowledger.idle);
  expect(acknowledger.full).toBe(false);
  finish(999);
  await eventually(() => acknowledger.full);
});
