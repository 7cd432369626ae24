// One replica of a service that waits a while and answers, over the bus or over Nest's own Redis transport.
// Usage: node callee.mjs <bus|nest> <redis url> <prefix> <messages at once, over the bus>
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { bus, contract, redisOptions, sealer, silent } from './common.mjs';

const [transport, url, prefix, atOnce] = process.argv.slice(2);

class EchoController {
  async echo(data) {
    if (data.wait_ms > 0) await sleep(data.wait_ms);
    return { text: data.text, seen: true };
  }
}
Controller()(EchoController);
const method = Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo');
const handles = transport === 'nest' ? MessagePattern('echo') : bus.Handles(contract, 'echo');
handles(EchoController.prototype, 'echo', method);

class EchoModule {}
Module({ controllers: [EchoController] })(EchoModule);

const quiet = { logger: ['error'] };
const app =
  transport === 'nest'
    ? await NestFactory.createMicroservice(EchoModule, {
        ...quiet,
        transport: Transport.REDIS,
        options: redisOptions(url),
      })
    : await bus.createBusService(
        EchoModule,
        new bus.BusServer({
          redis: url,
          prefix,
          contract,
          concurrency: { fast: Number(atOnce) },
          logger: silent,
          sealer,
        }),
        quiet,
      );
await app.listen();
process.send('ready');
process.on('message', async () => {
  await app.close();
  process.exit(0);
});
