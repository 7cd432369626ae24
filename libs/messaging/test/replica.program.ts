// A replica of the sample service as a process of its own; it notes each run in the set `{prefix}:runs` before it works.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createBusService, type BusContext, BusServer } from '../src';
import { Log, moduleOf } from './harness';
import { sealerFor } from './keys';
import { type Done, sampleContract, type Work } from './sample';

const [redis = '', prefix = ''] = process.argv.slice(3);

async function main(): Promise<void> {
  const notes = new Redis(redis).on('error', () => undefined);
  const server = new BusServer({
    redis,
    prefix,
    sealer: sealerFor(prefix),
    contract: sampleContract,
    logger: new Log(),
  });
  const run = async (data: Work, { messageId }: BusContext<object>): Promise<Done> => {
    const note = { key: data.key, messageId, replica: server.replica, run: randomUUID(), at: Date.now() };
    await notes.sadd(`${prefix}:runs`, JSON.stringify(note));
    await sleep(data.wait_ms ?? 0);
    return { key: data.key, replica: server.replica };
  };
  const app = await createBusService(
    moduleOf(sampleContract, { 'work.do': run, 'work.burn': run, 'work.secret': run }),
    server,
    { logger: false },
  );
  await app.listen();
  process.send?.(server.replica);
}

void main();
