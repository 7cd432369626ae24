import { randomUUID } from 'node:crypto';
import { type Bench } from './harness';
import { type Done } from './sample';

/** What came back: an answer or an error. */
export interface HandAnswer {
  readonly ok?: Done;
  readonly error?: { readonly code: string };
  readonly sealed?: string;
}

/** The fields of a message, as somebody writes them who has only read the wire format. */
export function message(fields: Record<string, string> = {}): Record<string, string> & { id: string } {
  const data = JSON.stringify({ key: 'by hand' });
  return { id: randomUUID(), pattern: 'work.do', data, reply: 'hand', ttl: '5000', request: 'req-1', ...fields };
}

/** Puts a message on the stream of the fast lane. */
export async function write(bench: Bench, fields: Record<string, string | Buffer>, entryId = '*'): Promise<void> {
  await bench.redis.xadd(bench.key('tester:fast'), entryId, ...Object.entries(fields).flat());
}

/** Hears what is answered to messages written by hand: message id → answer. */
export async function hear(bench: Bench, caller = 'tester'): Promise<ReadonlyMap<string, HandAnswer>> {
  const answers = new Map<string, HandAnswer>();
  const ears = bench.redis.duplicate();
  bench.onClose(async () => ears.disconnect());
  await ears.subscribe(`${bench.prefix}:reply:${caller}:hand`);
  ears.on('message', (_channel, text: string) => {
    const { id, ...answer } = JSON.parse(text) as HandAnswer & { id: string };
    answers.set(id, answer);
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
