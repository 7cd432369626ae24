import { randomUUID } from 'node:crypto';
import { callSeal, openReplies } from '../src/wire/envelope';
import { type Bench } from './harness';
import { type Done } from './sample';

/** What came back: an answer or an error. */
export interface HandAnswer {
  readonly ok?: Done;
  readonly error?: { readonly code: string };
}

/** Fields and values, alternating. */
export const flat = (fields: Readonly<Record<string, string | Buffer>>): (string | Buffer)[] =>
  Object.entries(fields).flat();

/** The six lines in front of what is sealed. */
export function headOf({
  id = '',
  pattern = '',
  reply = '',
  key = '',
  request = '',
  trace = '',
}: Record<string, string>): string {
  return [id, pattern, reply, key, request, trace].join('\n');
}

/**
 * The fields of a message in the fast lane, as somebody writes them who has only read the wire format, and its id. `data`
 * and `actor`, which are JSON or what looks like it, are what is sealed.
 */
export function message(
  bench: Bench,
  more: Record<string, string> = {},
  caller = 'tester',
): Record<string, string> & { id: string } {
  const { data = JSON.stringify({ key: 'by hand' }), actor, ttl = '5000', ...rest } = more;
  const parts = { id: randomUUID(), pattern: 'work.do', reply: 'hand', request: 'req-1', ...rest };
  const head = headOf(parts);
  const content = actor === undefined ? `{"data":${data}}` : `{"data":${data},"actor":${actor}}`;
  const route = { callee: 'sample', caller, lane: 'fast' } as const;
  return { ...rest, id: parts.id, ttl, head, sealed: bench.sealer.seal(content, callSeal(route, head)) };
}

/** Puts a message on the stream of the fast lane. */
export async function write(bench: Bench, fields: Record<string, string | Buffer>, entryId = '*'): Promise<void> {
  await bench.redis.xadd(bench.key('tester:fast'), entryId, ...flat(fields));
}

/** Hears what is answered to a caller, also to messages written by hand: message id → answer. */
export async function hear(
  bench: Bench,
  caller = 'tester',
  sealer = bench.sealer,
): Promise<ReadonlyMap<string, HandAnswer>> {
  const answers = new Map<string, HandAnswer>();
  const ears = bench.redis.duplicate();
  bench.onClose(async () => ears.disconnect());
  await ears.psubscribe(`${bench.prefix}:reply:${caller}:*`);
  ears.on('pmessage', (_pattern, channel: string, text: string) => {
    const { replies = [] } = openReplies(sealer, { caller, replica: channel.split(':').at(-1) ?? '' }, text);
    for (const { id, ...answer } of replies) answers.set(id, answer as HandAnswer);
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
