import { randomUUID } from 'node:crypto';
import { callSeal, replySeal } from '../src/wire/envelope';
import { decodeSealed, fromFields } from '../src/wire/message';
import { type Bench } from './harness';
import { type Done } from './sample';

/** What came back: an answer or an error. */
export interface HandAnswer {
  readonly ok?: Done;
  readonly error?: { readonly code: string };
}

/** Fields and values, alternating. */
export const flat = (fields: Readonly<Record<string, string | Buffer>>): (string | Buffer)[] => Object.entries(fields).flat();

/**
 * The fields of a message in the fast lane, as somebody writes them who has only read the wire format. `data` and `actor`,
 * which are JSON or what looks like it, are what is sealed.
 */
export function message(bench: Bench, more: Record<string, string> = {}, caller = 'tester'): Record<string, string> & { id: string } {
  const { data = JSON.stringify({ key: 'by hand' }), actor, ...rest } = more;
  const fields = { id: randomUUID(), pattern: 'work.do', reply: 'hand', ttl: '5000', request: 'req-1', ...rest };
  const content = actor === undefined ? `{"data":${data}}` : `{"data":${data},"actor":${actor}}`;
  const route = { callee: 'sample', caller, lane: 'fast' } as const;
  const sealed = bench.sealer.seal(content, callSeal(route, fromFields(Object.entries(fields).flat())));
  return { ...fields, sealed };
}

/** Puts a message on the stream of the fast lane. */
export async function write(bench: Bench, fields: Record<string, string | Buffer>, entryId = '*'): Promise<void> {
  await bench.redis.xadd(bench.key('tester:fast'), entryId, ...flat(fields));
}

/** Hears what is answered to a caller, also to messages written by hand: message id → answer. */
export async function hear(bench: Bench, caller = 'tester', sealer = bench.sealer): Promise<ReadonlyMap<string, HandAnswer>> {
  const answers = new Map<string, HandAnswer>();
  const ears = bench.redis.duplicate();
  bench.onClose(async () => ears.disconnect());
  await ears.psubscribe(`${bench.prefix}:reply:${caller}:*`);
  ears.on('pmessage', (_pattern, _channel, text: string) => {
    const { id = '', sealed = '' } = decodeSealed(text) ?? {};
    const opened = sealer.open(sealed, replySeal({ callee: 'sample', caller }, id));
    const { id: inside, ...answer } = JSON.parse(opened ?? '{}') as HandAnswer & { id?: string };
    if (inside === id) answers.set(id, answer);
  });
  return answers;
}

/** Whether nothing is left on the stream of the fast lane, nor pending. */
export async function isEmpty(bench: Bench): Promise<boolean> {
  const stream = bench.key('tester:fast');
  const [length, pending] = await Promise.all([
    bench.redis.xlen(stream),
    bench.redis.xpending(stream, 'sample') as Promise<[number]>,
  ]);
  return length === 0 && pending[0] === 0;
}
