// One side of the bus as a process of its own that tells how much memory it holds: `measured.ts callee|caller <redis> <prefix>`.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { BusClient, BusError, BusServer, createBusService } from '../src';
import { moduleOf } from './harness';
import { sealerFor } from './keys';
import { type Done, sampleContract, type Work } from './sample';

/** A caller that is told so asks so many times; both tell their heap when asked for it. */
export type Order = { readonly ask: number } | 'heap';

const AT_ONCE = 64;
const [role, redis = '', prefix = ''] = process.argv.slice(3);
const sealer = sealerFor(prefix);
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Most calls are answered; some are refused, some fail in a way that nobody foresaw, some get no answer in time. */
function textOf(n: number): string {
  if (n % 20 === 0) return 'refuse';
  if (n % 20 === 1) return 'fail';
  return n % 20 === 2 ? 'dawdle' : 'x'.repeat(n % 200);
}

async function work({ key: name, text }: Work): Promise<Done> {
  if (text === 'refuse') throw new BusError({ code: 'refused', about: name });
  if (text === 'fail') throw new Error(name);
  if (text === 'dawdle') await sleep(60);
  return { key: name, replica: text ?? '' };
}

async function callee(): Promise<void> {
  const server = new BusServer({ redis, prefix, sealer, logger, contract: sampleContract });
  await (
    await createBusService(
      moduleOf(sampleContract, { 'work.do': work, 'work.burn': work, 'work.secret': work }),
      server,
      { logger: false },
    )
  ).listen();
}

function caller(): (calls: number) => Promise<Record<string, number>> {
  const client = new BusClient({ redis, prefix, sealer, logger, service: 'tester' });
  const target = { service: 'sample', pattern: 'work.do', lane: 'fast' } as const;
  let next = 0;
  return async (calls) => {
    const codes: Record<string, number> = {};
    const end = next + calls;
    const one = async () => {
      while (next < end) {
        const n = next++;
        const text = textOf(n);
        const code = await client
          .call(
            target,
            { key: `call ${n}`, text },
            { ttlMs: text === 'dawdle' ? 30 : 10_000, idempotencyKey: `key-${n}` },
          )
          .then(
            () => 'ok',
            (error: BusError) => error.code,
          );
        codes[code] = (codes[code] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    return codes;
  };
}

/** What is still held once everything that can go has gone. */
async function heap(): Promise<number> {
  await sleep(1_500); // what nobody waits for any more ends, and timers look around
  for (let i = 0; i < 3; i += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function main(): Promise<void> {
  const ask = role === 'caller' ? caller() : undefined;
  if (!ask) await callee();
  process.on('message', (order: Order) => {
    const answer = order === 'heap' ? heap() : ask?.(order.ask);
    void answer?.then((value) => process.send?.(value));
  });
  process.send?.('ready');
}

void main();
