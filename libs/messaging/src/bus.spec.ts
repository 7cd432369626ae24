import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { BusClient, createBusService, Handles, ServiceClient, type BusContext } from './index';

class Greet { name: string; }
const greeter = {
  name: 'greeter',
  patterns: {
    'greet': { request: Greet, lane: 'fast', callers: ['tester'] } as { request: new () => Greet; lane: 'fast'; callers: string[]; response?: { text: string } },
  },
} as const;

@Controller()
class C {
  @Handles(greeter, 'greet')
  async greet(data: Greet, ctx: BusContext): Promise<{ text: string }> {
    return { text: `hi ${data.name} ${ctx.caller}` };
  }
}
@Module({ controllers: [C] })
class M {}

it('answers', async () => {
  const redis = process.env['PUERTA_TEST_REDIS_URL']!;
  const prefix = `t${randomUUID()}`;
  const app = await createBusService(M, { redis, prefix, contract: greeter }, { logger: ['error', 'warn'] });
  await app.listen();
  const client = new BusClient({ redis, prefix, service: 'tester' });
  const g = new ServiceClient(client, greeter);
  expect(await g.request('greet', { name: 'x' })).toEqual({ text: 'hi x tester' });
  expect(await g.presence()).toBe(1);
  await client.close();
  await app.close();
});
