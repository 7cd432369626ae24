import { setTimeout as sleep } from 'node:timers/promises';
import { flat, hear, isEmpty, message, write } from '../../test/by-hand';
import { eventually, inBench, rejection } from '../../test/harness';
import { DeadLetters } from '..';

// These wait for leases to run out, so they wait together.
describe('a message that was given to a replica and not answered', () => {
  const slow = inBench(async (bench) => {
    let runs = 0;
    const handle = async () => {
      runs += 1;
      await sleep(8_000);
    };
    await Promise.all([bench.replica(handle), bench.replica(handle)]);
    const { code, ms, waited } = await rejection(bench.sample().request('work.do', { key: 'slow' }, { ttlMs: 1_000 }));
    expect(code).toBe('outcome_unknown');
    expect(waited).toBeGreaterThan(1_000);
    expect(ms).toBeLessThan(1_700);
    await eventually(() => isEmpty(bench), 9_000);
    expect(runs).toBe(1);
  });
  it.concurrent(
    'is never given to another while that one lives, however slow it is, also when nobody waits any more',
    slow,
    15_000,
  );

  const unfinished = inBench(async (bench) => {
    const hanging = await bench.replica(() => new Promise<void>(() => undefined));
    const call = bench.sample().request('work.do', { key: 'a' }, { ttlMs: 15_000 });
    await sleep(100);
    const other = await bench.replica();
    await hanging.stop();
    await expect(call).resolves.toEqual({ key: 'a', replica: other.server.replica });
  });
  it.concurrent('is run by another once that one has closed without finishing it', unfinished, 20_000);

  const lost = inBench(async (bench) => {
    const { server, log } = await bench.replica();
    const answers = await hear(bench);
    const sent = message(bench);
    const stream = bench.key('tester:fast');
    // As if the reply to a read had gone to a connection that is no more.
    const read = ['GROUP', 'sample', server.replica, 'STREAMS', stream, '>'] as const;
    await bench.redis
      .multi()
      .xadd(stream, '*', ...flat(sent))
      .xreadgroup(...read)
      .exec();
    await eventually(() => answers.has(sent.id));
    expect(log.lines).toContainEqual({
      level: 'warn',
      message: 'took over messages',
      facts: { lane: 'fast', count: 1 },
    });
    await eventually(() => isEmpty(bench));
  });
  it.concurrent('is fetched again when it was lost on the way there', lost);

  const dead = inBench(async (bench) => {
    const stream = bench.key('tester:fast');
    const { redis } = bench;
    const handled: string[] = [];
    const { server, log } = await bench.replica(async ({ key }) => void handled.push(key));
    const answers = await hear(bench);
    const make = (key: string, ttl = '60000') => message(bench, { data: JSON.stringify({ key }), ttl });
    const [plain, poison, late, alive] = [make('plain'), make('poison'), make('late', '100'), make('alive')];
    const give = (replica: string, id = '>') => ['GROUP', 'sample', replica, 'STREAMS', stream, id] as const;
    // In one transaction, so that the real replica reads none of it first. Reading again with id 0 counts as a delivery.
    await redis
      .multi()
      .xadd(stream, '*', ...flat(plain))
      .xadd(stream, '*', ...flat(late))
      .xreadgroup(...give('ghost-1'))
      .xadd(stream, '*', ...flat(poison))
      .xreadgroup(...give('ghost-2'))
      .xreadgroup(...give('ghost-2', '0'))
      .xreadgroup(...give('ghost-2', '0'))
      .xadd(stream, '*', ...flat(alive))
      .xreadgroup(...give('living'))
      .exec();
    const beat = async () => redis.zadd(bench.key('leases'), Number((await redis.time())[0]) * 1_000, 'living');
    const beating = setInterval(() => void beat(), 500);
    bench.onClose(async () => clearInterval(beating));

    await eventually(() => answers.size === 2, 9_000);
    expect(answers.get(plain.id)).toMatchObject({ ok: { key: 'plain', replica: server.replica } });
    expect(answers.get(poison.id)).toEqual({ error: { code: 'internal' } });
    // Whether the dead replica ran it nobody knows, so nobody says that it was not run.
    expect(answers.has(late.id)).toBe(false);
    expect(handled).toEqual(['plain']);
    expect(log.errors).toHaveLength(1);
    const letters = new DeadLetters(redis, bench.prefix, 'sample');
    expect(await letters.list()).toMatchObject([
      { id: poison.id, pattern: 'work.do', caller: 'tester', deliveries: 4 },
    ]);
    await sleep(1_200);
    const consumers = (await redis.xinfo('CONSUMERS', stream, 'sample')) as string[][];
    expect(consumers.map((consumer) => consumer[1]).sort()).toEqual(['living', server.replica].sort());
    expect(await redis.xlen(stream)).toBe(1);
  });
  it.concurrent('is taken over when that one is dead, and only then, and not for ever', dead, 20_000);

  const waiting = inBench(async (bench) => {
    const { redis } = bench;
    const [ran, finish] = [[] as string[], new Map<string, () => void>()];
    const { server } = await bench.replica(
      async ({ key }) => {
        ran.push(key);
        await new Promise<void>((resolve) => finish.set(key, resolve));
      },
      { concurrency: { fast: 1 } },
    );
    const send = (caller: string, key: string) =>
      redis.xadd(
        bench.key(`${caller}:fast`),
        '*',
        ...flat(message(bench, { data: JSON.stringify({ key }), ttl: '60000' }, caller)),
      );
    await send('tester', 'first');
    await eventually(() => ran.length === 1);
    // One slot will be free, and one message is read from each of two streams.
    await send('tester', 'from tester');
    await send('gateway', 'from gateway');
    finish.get('first')?.();
    await eventually(() => ran.length === 2);
    const caller = ran[1] === 'from tester' ? 'gateway' : 'tester';
    const stream = bench.key(`${caller}:fast`);
    await eventually(async () => ((await redis.xpending(stream, 'sample')) as [number])[0] === 1);
    // As if this replica had not been heard, and another had claimed what it had.
    const [[id]] = (await redis.xpending(stream, 'sample', '-', '+', 1)) as [[string]];
    const beat = async () => redis.zadd(bench.key('leases'), Number((await redis.time())[0]) * 1_000, 'another');
    await beat();
    await redis.multi().zrem(bench.key('leases'), server.replica).xclaim(stream, 'sample', 'another', 0, id).exec();
    const heartbeat = () => redis.zscore(bench.key('leases'), server.replica);
    await eventually(async () => (await heartbeat()) !== null);
    // Its next heartbeat shows that it has read the answer to this one, which says that it was missing.
    const first = await heartbeat();
    await eventually(async () => (await heartbeat()) !== first);
    finish.get(ran[1] ?? '')?.();
    await sleep(500);
    expect(ran).toHaveLength(2);
    expect(await redis.xpending(stream, 'sample', '-', '+', 9, 'another')).toHaveLength(1);
  });
  it.concurrent('and waits for a slot there is not begun if another has claimed it meanwhile', waiting, 20_000);

  const emptied = inBench(async (bench) => {
    const runs: string[] = [];
    const handle = async ({ key }: { key: string }) => {
      runs.push(key);
      await sleep(2_500);
    };
    await Promise.all([bench.replica(handle), bench.replica(handle)]);
    await sleep(5_300);
    const calls = Promise.all(['a', 'b', 'c', 'd'].map((key) => bench.sample().request('work.do', { key })));
    // Again and again, for as long as it takes each replica to look for dead ones.
    for (let i = 0; i < 30; i += 1) {
      await sleep(50);
      await bench.redis.del(bench.key('leases'));
    }
    await calls;
    expect(runs.sort()).toEqual(['a', 'b', 'c', 'd']);
  });
  it.concurrent('is not taken from a living one because every lease is gone', emptied, 20_000);
});

describe('a message that nobody was given', () => {
  const restarted = inBench(async (bench) => {
    // Fills the one slot for longer than the message waits for it.
    await bench.replica(async ({ wait_ms }) => void (await sleep(wait_ms)), { concurrency: { fast: 1 } });
    const sample = bench.sample();
    const running = sample.request('work.do', { key: 'long', wait_ms: 2_500 });
    await sleep(100);
    const { code, waited } = await rejection(sample.request('work.do', { key: 'short' }, { ttlMs: 1_500 }));
    expect(code).toBe('service_unavailable');
    expect(waited).toBeGreaterThan(1_400);
    await running;
    await write(bench, message(bench));
    await eventually(() => isEmpty(bench));
  });
  it.concurrent('is taken back when its time is up: the caller may be sure that nothing happened', restarted);
});
