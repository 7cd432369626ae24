import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '@puerta/testing';
import { hear, isEmpty, message, write } from '../../test/by-hand';
import { Bench, eventually } from '../../test/harness';
import { sampleContract } from '../../test/sample';
import { type BusEvent, callContext, type Sealer } from '..';

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => bench.close());

describe('messages', () => {
  it('run once each, a thousand of them over two replicas that share the work', async () => {
    const runs = new Map<string, number>();
    const count = async ({ key }: { key: string }) => {
      runs.set(key, (runs.get(key) ?? 0) + 1);
      await sleep(1);
    };
    await Promise.all([bench.replica(count), bench.replica(count)]);
    const sample = bench.sample();
    const shares = new Map<string, number>();
    const ask = async (key: string) => {
      const { replica } = await sample.request('work.do', { key });
      shares.set(replica, (shares.get(replica) ?? 0) + 1);
    };
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => ask(String(i))));
    expect(runs.size).toBe(1_000);
    expect([...runs.values()].every((times) => times === 1)).toBe(true);
    expect(shares.size).toBe(2);
    expect(Math.min(...shares.values())).toBeGreaterThan(200);
    expect(await isEmpty(bench)).toBe(true);
  });

  it('run no more at once than a lane allows, however many callers there are', async () => {
    for (const most of [1, 3]) {
      let now = 0;
      let peak = 0;
      const { stop } = await bench.replica(
        async () => {
          peak = Math.max(peak, (now += 1));
          await sleep(10);
          now -= 1;
        },
        { concurrency: { fast: most } },
      );
      const callers = ['tester', 'gateway'].map((service) => bench.sample(bench.client({ service })));
      await Promise.all(Array.from({ length: 30 }, (_, i) => callers[i % 2]?.request('work.do', { key: String(i) })));
      expect(peak).toBe(most);
      await stop();
    }
  });

  it('of the fast lane do not wait for those of the heavy one', async () => {
    await bench.replica(async ({ wait_ms }) => void (await sleep(wait_ms)), { concurrency: { heavy: 1 } });
    const sample = bench.sample();
    const heavy = Array.from({ length: 4 }, (_, i) => sample.request('work.burn', { key: String(i), wait_ms: 100 }));
    await sleep(50);
    const elapsed = stopwatch();
    await sample.request('work.do', { key: 'fast' });
    expect(elapsed()).toBeLessThan(80);
    await Promise.all(heavy);
  });

  it('are read although they were sent before any replica had ever started', async () => {
    const early = bench.sample().request('work.do', { key: 'early' });
    await sleep(300);
    await bench.replica();
    await expect(early).resolves.toMatchObject({ key: 'early' });
  });

  it('may be written by anybody who knows the wire format', async () => {
    await bench.replica();
    const answers = await hear(bench);
    const sent = message(bench, { unknown: 'field' });
    await write(bench, sent);
    await eventually(() => answers.has(sent.id));
    expect(answers.get(sent.id)).toMatchObject({ ok: { key: 'by hand' } });
  });

  it("are not started past their time to live, which Redis' clock counts", async () => {
    let runs = 0;
    const answers = await hear(bench);
    const [seconds] = await bench.redis.time();
    const old = message(bench, { ttl: '1000' });
    const young = message(bench, { ttl: '1000' });
    await write(bench, old, `${(Number(seconds) - 2) * 1_000}-0`);
    await write(bench, young);
    await bench.replica(async () => void (runs += 1));
    await eventually(() => answers.size === 2);
    expect(answers.get(old.id)).toEqual({ error: { code: 'service_unavailable' } });
    expect(answers.get(young.id)).toHaveProperty('ok');
    expect(runs).toBe(1);
    expect(await isEmpty(bench)).toBe(true);
  });

  it('live no longer than they may, also when the clock of Redis was set back since', async () => {
    const left: number[] = [];
    await bench.replica(async () => void left.push((callContext.getStore()?.deadline ?? NaN) - performance.now()));
    const [seconds] = await bench.redis.time();
    await write(bench, message(bench, { ttl: '1000' }), `${(Number(seconds) + 60) * 1_000}-0`);
    await eventually(() => left.length === 1);
    expect(left[0]).toBeLessThanOrEqual(1_000);
  });

  it('leave their stream although the bus itself fails', async () => {
    const open = () => {
      throw new Error('nobody foresaw this');
    };
    const { log } = await bench.replica(undefined, { sealer: { open } as unknown as Sealer });
    await write(bench, message(bench));
    await eventually(() => isEmpty(bench));
    expect(log.errors).toMatchObject([{ message: 'the bus failed' }]);
  });

  it('are answered however the last release asked them: in another lane, or by other callers', async () => {
    const before = { lane: 'heavy', callers: ['retired', 'tester'] } as const;
    const moved = {
      ...sampleContract,
      patterns: { ...sampleContract.patterns, 'work.do': { ...sampleContract.patterns['work.do'], before } },
    };
    await bench.replica(undefined, { contract: moved });
    const ask = (service: string, lane: 'fast' | 'heavy', pattern = 'work.do') =>
      bench.client({ service }).call({ service: 'sample', pattern, lane }, { key: 'a' });
    await expect(ask('tester', 'heavy')).resolves.toMatchObject({ key: 'a' });
    await expect(ask('tester', 'fast')).resolves.toMatchObject({ key: 'a' });
    await expect(ask('retired', 'heavy')).resolves.toMatchObject({ key: 'a' });
    await expect(ask('tester', 'fast', 'work.burn')).rejects.toMatchObject({ code: 'unknown_pattern' });
    await expect(ask('retired', 'heavy', 'work.burn')).rejects.toMatchObject({ code: 'forbidden_caller' });
  });
});

describe('junk', () => {
  it('as data is refused as `validation_failed`, and no handler sees it', async () => {
    let runs = 0;
    await bench.replica(async () => void (runs += 1), { actorsFrom: ['tester'] });
    const answers = await hear(bench);
    const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
    const deeper = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const junk: Record<string, string>[] = [
      ...['', 'x', 'null', '7', '"a"', '[]', '[{}]', '{', '{"a":1}x', '\u0000', deep, deeper].map((data) => ({ data })),
      ...['{"__proto__":{"admin":true}}', '{"a":{"__proto__":null}}', '{"a":[{"\\u005f_proto__":1}]}'].map((data) => ({
        data,
      })),
      { data: '{"constructor":{"prototype":{"admin":true}}}' },
      ...['', 'x', '[]', '"root"', '{"__proto__":{}}'].map((actor) => ({ actor })),
      ...[' ', 'a b', 'ñ', 'k'.repeat(256)].map((key) => ({ key })),
      ...['', '0', '-1', '1e3', '99999999', 'x'].map((ttl) => ({ ttl })),
    ];
    const sent = junk.map((fields) => message(bench, fields));
    for (const one of sent) await write(bench, one);
    await eventually(() => answers.size === sent.length);
    for (const one of sent) expect(answers.get(one.id)).toEqual({ error: { code: 'validation_failed' } });
    expect(runs).toBe(0);
    expect(await isEmpty(bench)).toBe(true);
    expect({}).not.toHaveProperty('admin');
  });

  it('that is too large is refused before it is parsed', async () => {
    await bench.replica();
    const answers = await hear(bench);
    const sent = message(bench, { data: `{"text":"${'x'.repeat(300_000)}"}` });
    await write(bench, sent);
    await eventually(() => answers.size === 1);
    expect(answers.get(sent.id)).toEqual({ error: { code: 'message_too_large' } });
  });

  it('of other kinds is taken off the stream, and stops nobody', async () => {
    const { log } = await bench.replica();
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]);
    await write(bench, { a: 'b' });
    await write(bench, { [String(bytes)]: bytes, head: bytes, sealed: bytes, ttl: bytes });
    await write(bench, message(bench, { id: '' }));
    await write(bench, message(bench, { key: 'a\nb' }));
    await write(bench, message(bench, { id: '../../x' }));
    await write(bench, message(bench, { reply: '*:evil' }));
    await write(bench, message(bench, { reply: 'x'.repeat(1_000) }));
    await write(bench, message(bench, { pattern: 'toString' }));
    await write(bench, Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field ${i}`, 'x'])));
    await expect(bench.sample().request('work.do', { key: 'after' })).resolves.toMatchObject({ key: 'after' });
    await eventually(() => isEmpty(bench));
    expect(log.errors).toEqual([]);
  });

  it('on a stream that was emptied, or has lost its group, is no obstacle', async () => {
    await bench.replica();
    const sample = bench.sample();
    await sample.request('work.do', { key: 'a' });
    await bench.redis.xgroup('DESTROY', bench.key('tester:fast'), 'sample');
    await expect(sample.request('work.do', { key: 'b' })).resolves.toMatchObject({ key: 'b' });
    await bench.redis.del(
      bench.key('tester:fast'),
      bench.key('gateway:fast'),
      bench.key('leases'),
      bench.key('replicas'),
    );
    await expect(sample.request('work.do', { key: 'c' })).resolves.toMatchObject({ key: 'c' });
    await bench.redis.script('FLUSH');
    await expect(sample.request('work.do', { key: 'd' })).resolves.toMatchObject({ key: 'd' });
  });
});

describe('a replica that closes', () => {
  it('answers what it runs, takes nothing new, and leaves no trace', async () => {
    const running = await bench.replica(async ({ wait_ms }) => void (await sleep(wait_ms)), {
      concurrency: { fast: 2 },
    });
    const sample = bench.sample();
    const calls = ['a', 'b', 'c', 'd'].map((key) => sample.request('work.do', { key, wait_ms: 400 }));
    await sleep(100);
    const elapsed = stopwatch();
    const stopped = running.stop();
    await sleep(50);
    expect(await sample.presence()).toBe(0);
    const other = await bench.replica();
    const answers = await Promise.all(calls);
    await stopped;
    expect(elapsed()).toBeLessThan(1_500);
    const { replica } = running.server;
    expect(answers.map((answer) => answer.replica)).toEqual([
      replica,
      replica,
      other.server.replica,
      other.server.replica,
    ]);
    const consumers = (await bench.redis.xinfo('CONSUMERS', bench.key('tester:fast'), 'sample')) as string[][];
    expect(consumers.map((consumer) => consumer[1])).toEqual([other.server.replica]);
    expect(await bench.redis.zrange(bench.key('leases'), 0, -1)).toEqual([other.server.replica]);
  });

  it('closes quickly when it is idle, and counts none of its connections as lost', async () => {
    const lost: BusEvent[] = [];
    const onEvent = (event: BusEvent) => void (event.type === 'connection' && !event.up && lost.push(event));
    const { stop } = await bench.replica(undefined, { onEvent });
    await sleep(100);
    const elapsed = stopwatch();
    await stop();
    expect(elapsed()).toBeLessThan(500);
    await sleep(50);
    expect(lost).toEqual([]);
  });
});
