// A service outside Puerta that answers `greet`, and asks another service to do so. Run it beside what it talks to:
//
//   REDIS_URL=redis://localhost BUS_PREFIX=bus BUS_SECRET=b1:… node examples/greeter.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { BusError, Caller, Seal, Server } from './bus.mjs';

const { REDIS_URL: url, BUS_PREFIX: prefix = 'bus', BUS_SECRET = '' } = process.env;
const common = { url, prefix, name: 'greeter', seal: new Seal(BUS_SECRET) };
const caller = new Caller(common);

const server = new Server({
  ...common,
  patterns: {
    greet: {
      lane: 'fast',
      callers: ['front'],
      async handle({ name, wait_ms = 0 }, { request, left }) {
        if (typeof name !== 'string') throw new BusError('validation_failed');
        await sleep(wait_ms);
        // What it asks in turn has no more time than is left, and belongs to the same request.
        const { title } = await caller.call('names', 'names.title', { name }, { ttl: left - wait_ms, request });
        return { text: `Good day, ${title}`, replica: server.replica };
      },
    },
  },
});

await server.start();
process.on('SIGTERM', async () => {
  await server.stop();
  caller.close();
  process.exit(0);
});
console.log('greeter is up');
