// Asks as fast as it can with so many calls under way.
// Usage: node caller.mjs <bus|nest> <redis url> <prefix> <calls under way> <wait ms> <seconds>
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { ClientRedis } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { bus, contract, redisOptions, sealer, silent } from './common.mjs';

const [transport, url, prefix, concurrency, waitMs, seconds] = process.argv.slice(2);
const WARM_UP_MS = 1_500;

Logger.overrideLogger(false);

const { ask, close } = transport === 'nest' ? overNest() : overBus();
const data = { text: 'x'.repeat(100), wait_ms: Number(waitMs) };
await ask(data);
await askFor(WARM_UP_MS);
const { calls, ms, latencies } = await askFor(Number(seconds) * 1_000);
latencies.sort((a, b) => a - b);
process.send({ rate: (calls / ms) * 1_000, p50: latencies[calls >> 1], p99: latencies[Math.floor(calls * 0.99)] });
await close();
process.exit(0);

async function askFor(limit) {
  const started = performance.now();
  const latencies = [];
  const one = async () => {
    for (let now = performance.now(); now - started < limit;) {
      await ask(data);
      const answered = performance.now();
      latencies.push(answered - now);
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, one));
  return { calls: latencies.length, ms: performance.now() - started, latencies };
}

function overBus() {
  const client = new bus.BusClient({ redis: url, prefix, service: 'caller', logger: silent, sealer });
  const echo = new bus.ServiceClient(client, contract);
  return { ask: (body) => echo.request('echo', body), close: () => client.close() };
}

function overNest() {
  const client = new ClientRedis(redisOptions(url));
  return { ask: (body) => firstValueFrom(client.send('echo', body)), close: () => client.close() };
}
