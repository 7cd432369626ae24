import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROGRAM } from '@puerta/testing';
import { type Order } from '../test/measured.program';
import { inOwnRedis } from '../test/processes';

const BATCH = 20_000;
const BATCHES = 10;
/** A leak that matters is an object or a key per call: 50 bytes at least. What a heap differs by itself is far below this. */
const MOST_BYTES_PER_CALL = 20;

async function tell<Answer>(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
}

describe('a caller and a callee, sealed', () => {
  const flat = inOwnRedis(async (bench) => {
    const start = async (role: string) => {
      const child = fork(PROGRAM, [join(__dirname, '../test/measured.program.ts'), role, bench.url, bench.prefix], {
        execArgv: ['--expose-gc'],
      });
      bench.onClose(async () => child.kill('SIGKILL'));
      await once(child, 'message');
      return child;
    };
    const [callee, caller] = await Promise.all([start('callee'), start('caller')]);
    const heaps: { caller: number; callee: number }[] = [];
    const ended: Record<string, number> = {};
    // The first batch warms up: what is compiled and kept once is no leak.
    for (let batch = 0; batch <= BATCHES; batch += 1) {
      const cutting = setInterval(() => void cut(), 500);
      const cut = async () => {
        for (const type of ['normal', 'pubsub'])
          await bench.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      };
      const codes = await tell<Record<string, number>>(caller, { ask: BATCH });
      clearInterval(cutting);
      for (const [code, times] of Object.entries(codes)) ended[code] = (ended[code] ?? 0) + times;
      const [ofCaller, ofCallee] = await Promise.all([tell<number>(caller, 'heap'), tell<number>(callee, 'heap')]);
      heaps.push({ caller: ofCaller, callee: ofCallee });
    }
    const growth = (of: 'caller' | 'callee') => slope(heaps.slice(1).map((heap) => heap[of])) / BATCH;
    console.log(`${JSON.stringify(ended)}; bytes per call: caller ${growth('caller').toFixed(2)}, callee ${growth('callee').toFixed(2)}
heaps in KiB: ${heaps.map(({ caller: a, callee: b }) => `${Math.round(a / 1024)} ${Math.round(b / 1024)}`).join(', ')}`);
    expect(Object.keys(ended)).toEqual(expect.arrayContaining(['ok', 'refused', 'internal', 'outcome_unknown']));
    expect(growth('caller')).toBeLessThan(MOST_BYTES_PER_CALL);
    expect(growth('callee')).toBeLessThan(MOST_BYTES_PER_CALL);
  });
  it(`hold no more after ${BATCH * BATCHES} calls than after the first ones`, flat);
});

/** By how much these numbers grow from one to the next: the line with the least squares. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const products = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  return products / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}
