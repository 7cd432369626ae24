import { setTimeout as sleep } from 'node:timers/promises';
import { hear } from '../../test/by-hand';
import { type Bench, eventually, inBench } from '../../test/harness';
import { sampleContract } from '../../test/sample';
import { fromFields } from '../wire/message';
import { type BusEvent, DeadLetters, inspect } from '..';

/** A sealed message that three replicas have had and left, and the id that it has. */
async function poison(bench: Bench, key: string): Promise<string> {
  const client = bench.client();
  client
    .call({ service: 'sample', pattern: 'work.do', lane: 'fast' }, { key }, { ttlMs: 1_000 })
    .catch(() => undefined);
  const stream = bench.key('tester:fast');
  const { redis } = bench;
  await redis.xgroup('CREATE', stream, 'sample', '0', 'MKSTREAM').catch(() => undefined);
  const before = Number(((await redis.xpending(stream, 'sample')) as [number])[0]);
  await eventually(async () => (await redis.xlen(stream)) > before);
  await redis.xreadgroup('GROUP', 'sample', 'ghost', 'STREAMS', stream, '>');
  const [newest] = (await redis.xrevrange(stream, '+', '-', 'COUNT', 1)) as [[string, string[]]];
  for (let i = 0; i < 2; i += 1) await redis.xclaim(stream, 'sample', 'ghost', 0, newest[0]);
  return fromFields(newest[1]).id ?? '';
}

it.concurrent(
  'what was given to three replicas without an answer is kept as it is, and can be run again, once, or dropped',
  inBench(async (bench) => {
    const ids = [await poison(bench, 'one'), await poison(bench, 'two'), await poison(bench, 'three')];
    const answers = await hear(bench);
    const events: BusEvent[] = [];
    const ran: string[] = [];
    const seen: string[] = [];
    const onEvent = (event: BusEvent) => void (event.type === 'dead_lettered' && events.push(event));
    const { log } = await bench.replica(
      async ({ key }, { messageId }) => {
        ran.push(key);
        seen.push(messageId);
      },
      { onEvent },
    );
    const letters = new DeadLetters(bench.redis, bench.prefix, 'sample');
    await eventually(async () => (await letters.list()).length === 3, 9_000);
    expect(ran).toEqual([]);
    await eventually(() => answers.size === 3);
    expect([...answers.keys()].sort()).toEqual([...ids].sort());
    expect(events[0]).toEqual({ type: 'dead_lettered', pattern: 'work.do', caller: 'tester', lane: 'fast' });
    expect(log.errors[0]).toMatchObject({
      message: 'gave up a message that no replica answered',
      facts: { deliveries: 4 },
    });

    const [one, two, three] = await letters.list();
    if (!one || !two || !three) throw new Error('there are three');
    expect(one).toMatchObject({ id: ids[0], pattern: 'work.do', caller: 'tester', lane: 'fast', deliveries: 4 });
    expect(one.gaveUpAt - one.sentAt).toBeGreaterThan(3_000);
    const run = (script: { source: string }, keys: readonly string[], args: readonly (string | number)[]) =>
      bench.redis.eval(script.source, keys.length, ...keys, ...args);
    expect(await inspect(run, sampleContract, bench.prefix)).toMatchObject({ replicas: 1, deadLetters: 3 });

    expect(await Promise.all([letters.retry(one), letters.retry(one)])).toEqual([true, false]);
    expect(await Promise.all([letters.drop(two), letters.drop(two)])).toEqual([true, false]);
    await eventually(() => ran.length === 1);
    await sleep(100);
    expect([ran, seen]).toEqual([['one'], [ids[0]]]);
    expect((await letters.list()).map(({ id }) => id)).toEqual([three.id]);
    expect(await inspect(run, sampleContract, bench.prefix)).toMatchObject({ deadLetters: 1 });
  }),
  20_000,
);

it.concurrent(
  'the status of a callee tells what waits, what is in hand and whose, how old it is, and who is there',
  inBench(async (bench) => {
    const sample = bench.sample();
    const { server } = await bench.replica(async ({ wait_ms }) => void (await sleep(wait_ms)), {
      concurrency: { fast: 2 },
    });
    await sample.request('work.do', { key: 'first' });
    const calls = Array.from({ length: 5 }, (_, i) => sample.request('work.do', { key: String(i), wait_ms: 1_000 }));
    await sleep(500);
    const status = await server.inspect();
    expect(status).toMatchObject({ callee: 'sample', replicas: 1, deadLetters: 0 });
    expect(status.leases[server.replica]).toBeLessThan(1_000);
    const stream = status.streams.find(({ caller, lane }) => caller === 'tester' && lane === 'fast');
    expect(stream).toMatchObject({ waiting: 3, pending: 2, holders: { [server.replica]: 2 } });
    expect(stream?.oldestMs).toBeGreaterThan(300);
    expect(stream?.oldestMs).toBeLessThan(1_000);
    expect(status.streams.filter(({ pending, waiting, oldestMs }) => pending + waiting + oldestMs > 0)).toEqual([
      stream,
    ]);
    await Promise.all(calls);
  }),
  20_000,
);
