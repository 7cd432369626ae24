import { setTimeout as sleep } from 'node:timers/promises';
import { flat, message } from '../../test/by-hand';
import { type Bench, eventually, inBench, type StartedReplica } from '../../test/harness';
import { HEARTBEAT } from '../wire/scripts';

/** All scripts read a clock that a test may set: Redis' own, and what stands in a key of the bench. */
jest.mock('../wire/scripts', () => {
  const actual = jest.requireActual<typeof import('../wire/scripts')>('../wire/scripts');
  const setting = "tonumber(redis.call('GET', KEYS[1]:match('^[^:]+') .. ':clock') or 0)";
  const told = 'math.floor(time[2] / 1000)';
  const set = (one: unknown) =>
    one instanceof actual.Script ? new actual.Script(one.source.replace(told, `${told} + ${setting}`)) : one;
  return Object.fromEntries(Object.entries(actual).map(([name, one]) => [name, set(one)]));
});

/** A replica that may judge by now, what it handled, and another one by hand, which holds a message. */
async function twoReplicas(bench: Bench) {
  const handled: string[] = [];
  const replica = await bench.replica(async ({ key }) => void handled.push(key));
  await sleep(5_300);
  const stream = bench.key('tester:fast');
  const fields = flat(message(bench, { data: JSON.stringify({ key: 'held' }), ttl: '600000' }));
  const read = ['GROUP', 'sample', 'other', 'STREAMS', stream, '>'] as const;
  const beat = [
    HEARTBEAT.source,
    2,
    bench.key('leases'),
    bench.key('replicas'),
    'other',
    1,
    2_000,
    5_000,
    'sample',
    0,
  ] as const;
  await bench.redis
    .multi()
    .eval(...beat)
    .xadd(stream, '*', ...fields)
    .xreadgroup(...read)
    .exec();
  return { handled, replica, beat, clock: `${bench.prefix}:clock` };
}

const takenOver = ({ log }: StartedReplica) => log.lines.filter((line) => line.message === 'took over messages');

// These wait for leases to run out, so they wait together.
describe('when the clock of Redis is set', () => {
  const forwards = inBench(async (bench) => {
    const { handled, replica, beat, clock } = await twoReplicas(bench);
    // Each time the replica is heard by the new time while the other, alive, has only been heard by the old one.
    for (let i = 0; i < 4; i += 1) {
      await bench.redis
        .multi()
        .eval(...beat)
        .incrby(clock, 6_000)
        .exec();
      await sleep(1_400);
    }
    expect(takenOver(replica)).toEqual([]);
    expect(handled).toEqual([]);
    await eventually(() => handled.length > 0, 9_000);
  });
  it.concurrent('forwards by more than a lease, nothing is taken from the living', forwards, 30_000);

  const thereAndBack = inBench(async (bench) => {
    const { handled, replica, beat, clock } = await twoReplicas(bench);
    // The other is heard in between, the replica is not; for longer than it takes the replica to look for dead ones.
    for (let i = 0; i < 10; i += 1) {
      await bench.redis
        .multi()
        .incrby(clock, -6_000)
        .eval(...beat)
        .incrby(clock, 6_000)
        .exec();
      await sleep(250);
    }
    expect(takenOver(replica)).toEqual([]);
    expect(handled).toEqual([]);
  });
  it.concurrent('back and forwards again, who was heard in between is not taken for dead', thereAndBack, 30_000);

  const back = inBench(async (bench) => {
    const { handled, clock } = await twoReplicas(bench);
    const from = performance.now();
    await bench.redis.incrby(clock, -300_000);
    await eventually(() => handled.length > 0, 9_000);
    expect(performance.now() - from).toBeGreaterThan(4_900);
    expect(handled).toEqual(['held']);
  });
  it.concurrent('back, what a dead replica left is taken over no later than else', back, 30_000);
});
