import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Bench, eventually } from '../test/harness';
import { type Done, sampleContract, Work } from '../test/sample';
import {
  BusClient,
  BusModule,
  BusServer,
  createBusService,
  Handles,
  InjectService,
  type PatternSpec,
  ServiceClient,
} from './index';

const frontContract = {
  name: 'front',
  patterns: {
    'front.ask': { request: Work, lane: 'fast', callers: ['tester'] } as PatternSpec<Work, Done>,
  },
} as const;

@Injectable()
class Asker {
  constructor(@InjectService(sampleContract) readonly sample: ServiceClient<typeof sampleContract>) {}
}

@Controller()
class FrontController {
  constructor(private readonly asker: Asker) {}

  /** Asks late, so that the question falls into the shutdown. */
  @Handles(frontContract, 'front.ask')
  async ask({ key }: Work): Promise<Done> {
    await sleep(300);
    return this.asker.sample.request('work.do', { key });
  }
}

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => bench.close());

function frontModule(service: string): Type {
  const options = { ...bench.options, service, calls: [sampleContract] };
  @Module({ imports: [BusModule.forRoot(options)], providers: [Asker], controllers: [FrontController] })
  class FrontModule {}
  return FrontModule;
}

it('gives every part of the application the typed client of a service', async () => {
  await bench.replica();
  const app = await NestFactory.createApplicationContext(frontModule('gateway'), { logger: false });
  bench.onClose(() => app.close());
  expect(app.get(BusClient).ready).toBe(true);
  await expect(app.get(Asker).sample.request('work.do', { key: 'a' })).resolves.toMatchObject({ key: 'a' });
});

it.each([
  ['close()', false],
  ['a signal', true],
])('lets handlers that drain ask on, when %s ends the application', async (_, signalled) => {
  await bench.replica();
  const options = { ...bench.options, contract: frontContract };
  const app = await createBusService(frontModule('gateway'), new BusServer(options), { logger: false });
  const killed = jest.spyOn(process, 'kill').mockReturnValue(true);
  app.enableShutdownHooks(['SIGUSR2']);
  await app.listen();
  const front = new ServiceClient(bench.client(), frontContract);
  const asked = front.request('front.ask', { key: 'a' });
  await sleep(100);
  if (signalled) process.emit('SIGUSR2');
  else await app.close();
  await expect(asked).resolves.toMatchObject({ key: 'a' });
  if (signalled) await eventually(() => killed.mock.calls.length > 0);
  expect(app.get(BusClient).ready).toBe(false);
  killed.mockRestore();
});
