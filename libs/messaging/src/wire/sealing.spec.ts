import { type KeyObject, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { flat, headOf, hear, isEmpty } from '../../test/by-hand';
import { Bench, eventually, inBench, rejection } from '../../test/harness';
import { newKey, sealerOf } from '../../test/keys';
import { inOwnRedis } from '../../test/processes';
import { callSeal, contentText, sealReplies } from './envelope';
import { MOST_BYTES } from './message';
import { BusError, type BusEvent, callContext } from '..';

const k1 = newKey();
const k2 = newKey();
const sealer = sealerOf({ k1 });
const gateway = { service: 'gateway', sealer };

/** The parts of a message of the gateway as it rests on its stream, with everything a message can have. */
async function captured(bench: Bench, key = 'genuine'): Promise<Record<string, string>> {
  const client = bench.client(gateway);
  const options = { actor: { user_id: 'u' }, idempotencyKey: 'key-1', ttlMs: 9_000 };
  const target = { service: 'sample', pattern: 'work.do', lane: 'fast' } as const;
  callContext.run({ requestId: 'req-1' }, () => client.call(target, { key }, options)).catch(() => undefined);
  const stream = bench.key('gateway:fast');
  await eventually(async () => (await bench.redis.xlen(stream)) === 1);
  const [[, fields = []] = []] = await bench.redis.xrange(stream, '-', '+');
  await bench.redis.xtrim(stream, 'MAXLEN', 0);
  const valueOf = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  const lines = valueOf('head').split('\n');
  const parts = ['id', 'pattern', 'reply', 'key', 'request', 'trace'].map((name, i) => [name, lines[i] ?? '']);
  return { ...(Object.fromEntries(parts) as Record<string, string>), ttl: valueOf('ttl'), sealed: valueOf('sealed') };
}

/** The same, sealed by hand. */
function resealed(parts: Record<string, string>, text: string, with_ = sealer): Record<string, string> {
  const context = callSeal({ callee: 'sample', caller: 'gateway', lane: 'fast' }, headOf(parts));
  return { ...parts, sealed: with_.seal(text, context) };
}

/** Puts a message on a stream, with its head unless it has one. */
async function put(bench: Bench, stream: string, parts: Record<string, string>): Promise<void> {
  await bench.redis.xadd(bench.key(stream), '*', ...flat({ head: headOf(parts), ...parts }));
}

/** What a sealed replica does with messages that somebody puts on its streams. */
async function given(bench: Bench, messages: [stream: string, fields: Record<string, string>][]) {
  const ran: string[] = [];
  const dropped: BusEvent[] = [];
  const answers = await hear(bench, 'gateway', sealer);
  const { log } = await bench.replica(async ({ key }) => void ran.push(key), {
    sealer,
    actorsFrom: ['gateway'],
    onEvent: (event) => void (event.type === 'dropped' && dropped.push(event)),
  });
  for (const [stream, parts] of messages) await put(bench, stream, parts);
  await eventually(async () => {
    const lengths = await Promise.all(
      ['gateway:fast', 'tester:fast', 'tester:heavy'].map((name) => bench.redis.xlen(bench.key(name))),
    );
    const settled = ran.length + dropped.length === messages.length && answers.size === ran.length;
    return settled && lengths.every((length) => length === 0);
  });
  return { ran, dropped, answers, log };
}

describe('a sealed message', () => {
  it(
    'brings data, actor, answers and errors, and nothing of them is to be read in Redis, on its wire or in its files',
    inOwnRedis(async (bench, redis) => {
      const seen: string[] = [];
      const monitor = await bench.redis.monitor();
      bench.onClose(async () => monitor.disconnect());
      monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')));
      const client = bench.client(gateway);
      const sample = bench.sample(client);
      const ask = (key: string) => sample.request('work.do', { key }, { actor: { user_id: 'canary-actor' } });

      const waiting = ask('canary-data');
      await eventually(async () => (await bench.redis.xlen(bench.key('gateway:fast'))) === 1);
      const resting = JSON.stringify(await bench.redis.xrange(bench.key('gateway:fast'), '-', '+'));
      await bench.replica(
        async ({ key }, { actor }) => {
          if (key === 'canary-refused') throw new BusError({ code: 'no', meta: { why: 'canary-meta' } });
          return { key: `${key} for ${JSON.stringify(actor)}: canary-answer` };
        },
        { sealer, actorsFrom: ['gateway'] },
      );
      expect(await waiting).toMatchObject({ key: 'canary-data for {"user_id":"canary-actor"}: canary-answer' });
      const { error } = await rejection(ask('canary-refused'));
      expect(error).toMatchObject({ wire: { code: 'no', meta: { why: 'canary-meta' } } });

      const written = () => filesIn(redis.folder).some((file) => readFileSync(file, 'latin1').includes('work.do'));
      await eventually(written);
      const files = filesIn(redis.folder).map((file) => readFileSync(file, 'latin1'));
      expect(seen.join('\n')).toContain('work.do');
      for (const place of [resting, seen.join('\n'), files.join('')]) expect(place).not.toContain('canary');
    }),
  );

  it(
    'is dropped when anything that decides its meaning was altered, taken away or added: not run, not answered, counted',
    inBench(async (bench) => {
      const genuine = await captured(bench);
      const id = genuine['id'] ?? '';
      const sealed = genuine['sealed'] ?? '';
      const without = (name: string) => Object.fromEntries(Object.entries(genuine).filter(([field]) => field !== name));
      const flipped = Array.from({ length: sealed.length }, (_, i) => i)
        .filter((i) => i % 7 === 0)
        .map((i) => ({
          ...genuine,
          sealed: sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1),
        }));
      const altered = [
        { ...genuine, id: id.slice(0, -1) + (id.endsWith('0') ? '1' : '0') },
        { ...genuine, id: 'x' },
        { ...genuine, pattern: 'work.secret' },
        { ...genuine, pattern: `work.do\n${genuine['reply']}` },
        { ...genuine, reply: 'hand2' },
        { ...genuine, key: 'key-2' },
        { ...genuine, key: '' },
        { ...genuine, request: 'req-2' },
        { ...genuine, trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
        { ...genuine, head: '' },
        { ...genuine, head: `${headOf(genuine)}\n` },
        { ...genuine, pattern: `work.do\n${genuine['reply']}`, reply: 'key-1', key: 'req-1' },
        ...['id', 'pattern', 'reply', 'key', 'request', 'sealed'].map(without),
        ...flipped,
      ];
      const { ran, dropped, answers, log } = await given(bench, [
        ...altered.map((parts): [string, Record<string, string>] => ['gateway:fast', parts]),
        ['gateway:fast', genuine],
      ]);
      expect(ran).toEqual(['genuine']);
      expect([...answers.keys()]).toEqual([id]);
      expect(dropped).toHaveLength(altered.length);
      expect(dropped[0]).toEqual({ type: 'dropped', what: 'message', peer: 'gateway' });
      expect(JSON.stringify(log.lines)).not.toContain(sealed.slice(0, 40));
      expect(log.lines.filter(({ message }) => message.startsWith('dropped a message'))).not.toHaveLength(0);
      expect(await isEmpty(bench)).toBe(true);
    }),
  );

  it(
    'is dropped where it was moved to another caller, lane or message, or was sealed as something else',
    inBench(async (bench) => {
      const genuine = await captured(bench);
      const other = await captured(bench, 'other');
      const text = contentText('{"key":"forged"}', undefined);
      const toReplica = { callee: 'sample', caller: 'gateway', replica: genuine['reply'] ?? '' };
      const [, asReply = ''] = sealReplies(sealer, toReplica, [text]).split('\n');
      const heavy = callSeal({ callee: 'sample', caller: 'tester', lane: 'heavy' }, headOf(genuine));
      const { ran, dropped, answers } = await given(bench, [
        ['tester:fast', genuine],
        ['tester:heavy', genuine],
        ['gateway:fast', { ...genuine, sealed: other['sealed'] ?? '' }],
        ['gateway:fast', { ...genuine, sealed: asReply }],
        ['gateway:fast', { ...genuine, sealed: sealer.seal(text, heavy) }],
        ['gateway:fast', resealed(genuine, text, sealerOf({ k1: k2 }))],
        ['gateway:fast', resealed(genuine, text, sealerOf({ k2 }))],
      ]);
      expect(ran).toEqual([]);
      expect(dropped).toHaveLength(7);
      expect(answers.size).toBe(0);
    }),
  );

  it(
    'is what counts: what lies beside it unsealed is dropped, or not looked at',
    inBench(async (bench) => {
      const genuine = await captured(bench);
      const bare = Object.fromEntries(Object.entries(genuine).filter(([field]) => field !== 'sealed'));
      const open = { data: '{"key":"forged"}', actor: '{"user_id":"root"}' };
      const { ran, dropped, answers } = await given(bench, [
        ['gateway:fast', { ...bare, ...open }],
        ['gateway:fast', { ...bare, ...open, sealed: '' }],
        ['gateway:fast', { ...genuine, ...open }],
      ]);
      expect(ran).toEqual(['genuine']);
      expect(dropped).toHaveLength(2);
      expect(answers.size).toBe(1);
    }),
  );

  it(
    'is refused like any other when what is sealed is junk',
    inBench(async (bench) => {
      const genuine = await captured(bench);
      const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
      const junk = [
        '',
        'x',
        'null',
        '7',
        '{}',
        '{"data":[]}',
        '{"data":null}',
        `{"data":${deep}}`,
        '{"data":{},"actor":[]}',
      ];
      const answers = await hear(bench, 'gateway', sealer);
      let runs = 0;
      await bench.replica(async () => void (runs += 1), { sealer, actorsFrom: ['gateway'] });
      for (const text of junk) {
        const id = randomUUID();
        const message = resealed({ ...genuine, id }, text);
        await put(bench, 'gateway:fast', message);
        await eventually(() => answers.has(id));
        expect(answers.get(id)).toEqual({ error: { code: 'validation_failed' } });
      }
      expect(runs).toBe(0);
    }),
  );

  it(
    'may be as large as it may be: what counts is what is inside',
    inBench(async (bench) => {
      await bench.replica(async ({ text }) => (text === 'much' ? { key: 'x'.repeat(MOST_BYTES) } : {}), { sealer });
      const sample = bench.sample(bench.client(gateway));
      const envelope = contentText(JSON.stringify({ key: '' }), undefined).length;
      const key = 'k'.repeat(MOST_BYTES - envelope);
      // It comes back with more around it.
      await expect(sample.request('work.do', { key })).rejects.toMatchObject({ code: 'internal' });
      await expect(sample.request('work.do', { key: key.slice(0, 200_000) })).resolves.toMatchObject({
        key: key.slice(0, 200_000),
      });
      await expect(sample.request('work.do', { key: `${key}k` })).rejects.toMatchObject({ code: 'message_too_large' });
      await expect(sample.request('work.do', { key: 'a', text: 'much' })).rejects.toMatchObject({ code: 'internal' });
    }),
  );
});

describe('a sealed answer', () => {
  it(
    'is ignored when it is unsealed, altered, of another message, of another service, or of another key',
    inBench(async (bench) => {
      const dropped: BusEvent[] = [];
      const onEvent = (event: BusEvent) => void (event.type === 'dropped' && dropped.push(event));
      const client = bench.client({ ...gateway, onEvent });
      const call = client.call({ service: 'sample', pattern: 'work.do', lane: 'fast' }, { key: 'a' });
      const stream = bench.key('gateway:fast');
      await eventually(async () => (await bench.redis.xlen(stream)) === 1);
      const [[, fields = []] = []] = await bench.redis.xrange(stream, '-', '+');
      const [id = ''] = (fields[fields.indexOf('head') + 1] ?? '').split('\n');
      const route = { callee: 'sample', caller: 'gateway', replica: client.replica };
      const say = (text: string) => bench.redis.publish(`${bench.prefix}:reply:gateway:${client.replica}`, text);
      const answer = (ok: string) => [JSON.stringify({ id, ok })];

      const genuine = sealReplies(sealer, route, answer('genuine'));
      const ofAnother = sealReplies(sealer, { ...route, callee: 'other' }, answer('another service'));
      const unfit = [
        '',
        'sample\n',
        `sample\n[${answer('unsealed').join()}]`,
        JSON.stringify({ id, ok: 'unsealed' }),
        genuine.slice(0, -1),
        `other${genuine.slice('sample'.length)}`,
        ofAnother,
        `sample${ofAnother.slice('other'.length)}`,
        sealReplies(sealer, { ...route, replica: 'another' }, answer('another replica')),
        sealReplies(sealer, { ...route, caller: 'tester' }, answer('another caller')),
        sealReplies(sealerOf({ k1: k2 }), route, answer('another key')),
        `sample\n${fields[fields.indexOf('sealed') + 1]}`,
      ];
      for (const text of unfit) await say(text);
      await say(sealReplies(sealer, route, [JSON.stringify({ id: randomUUID(), ok: 'another message' })]));
      await say(`${genuine}\nignored`);
      expect(await call).toBe('genuine');
      expect(dropped).toHaveLength(unfit.length);
      const peers = dropped.map((event) => event.type === 'dropped' && event.what === 'reply' && event.peer);
      // Names are only taken from who is asked.
      expect(new Set(peers)).toEqual(new Set(['sample', 'unknown']));
    }),
  );
});

it(
  'keys are replaced step by step without a call that fails: second everywhere, first everywhere, then the old one goes',
  inBench(async (bench) => {
    const steps: Readonly<Record<string, KeyObject>>[] = [{ k1 }, { k1, k2 }, { k2, k1 }, { k2 }];
    for (let i = 0; i < steps.length; i += 1) {
      // Two replicas and two callers, of which one has taken the next step already.
      const both = steps.slice(i, i + 2).map(sealerOf);
      const dropped: BusEvent[] = [];
      const onEvent = (event: BusEvent) => void (event.type === 'dropped' && dropped.push(event));
      const replicas = await Promise.all(both.map((one) => bench.replica(undefined, { sealer: one, onEvent })));
      const callers = both.map((one) => bench.sample(bench.client({ ...gateway, sealer: one, onEvent })));
      const calls = Array.from({ length: 60 }, (_, n) =>
        callers[n % both.length]?.request('work.do', { key: String(n) }),
      );
      expect(await Promise.all(calls)).toHaveLength(60);
      expect(dropped).toEqual([]);
      await Promise.all(replicas.map((replica) => replica.stop()));
    }
  }),
);

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}
