import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, Module } from '@nestjs/common';
import { DomainError, Text } from '@puerta/contracts';
import { commonConfig, databaseConfig, defineConfig, flag, secret } from '@puerta/config';
import { Inbox, inboxAnswersMigration, inboxMigration } from '@puerta/database';
import { type BusContext, Handles } from '@puerta/messaging';
import { defineService } from '../src';

export class ThingDto {
  @Text({ max: 40 })
  name: string;
}

const pattern = <Response extends object>(): {
  request: typeof ThingDto;
  lane: 'fast';
  callers: string[];
  response?: Response;
} => ({
  request: ThingDto,
  lane: 'fast',
  callers: ['tester'],
});

export const sampleContract = {
  name: 'sample',
  patterns: {
    'things.make': pattern<{ name: string; made: string }>(),
    'things.slow': pattern<{ name: string }>(),
    'things.refuse': pattern<object>(),
    'things.break': pattern<object>(),
    'things.forget': pattern<object>(),
  },
};

@Controller()
class SampleMessages {
  constructor(private readonly inbox: Inbox) {}

  @Handles(sampleContract, 'things.make')
  make({ name }: ThingDto, context: BusContext): Promise<{ name: string; made: string }> {
    const call = { messageId: context.messageId, pattern: context.pattern, idempotencyKey: context.idempotencyKey };
    return this.inbox.answer(
      { name },
      call,
      async () => ({ reference: { name } }),
      async () => ({ name, made: randomUUID() }),
    );
  }

  @Handles(sampleContract, 'things.slow')
  async slow({ name }: ThingDto): Promise<{ name: string }> {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return { name };
  }

  @Handles(sampleContract, 'things.refuse')
  async refuse(): Promise<object> {
    throw new DomainError('too_many_attempts', {
      meta: { retry_after: 7 },
      errors: [{ field: 'name', code: 'too_short', params: { min: 2 } }],
    });
  }

  @Handles(sampleContract, 'things.break')
  async break({ name }: ThingDto): Promise<object> {
    return JSON.parse(name) as object;
  }

  @Handles(sampleContract, 'things.forget')
  async forget({ name }: ThingDto): Promise<object> {
    void Promise.resolve().then(() => JSON.parse(name) as object);
    return {};
  }
}

@Module({ controllers: [SampleMessages] })
class SampleModule {}

@Module({})
class EmptyModule {}

export const sample = defineService({
  contract: sampleContract,
  config: defineConfig('sample', {
    ...commonConfig,
    ...databaseConfig('SAMPLE'),
    SAMPLE_SECRET: secret('Keys fingerprints'),
    SAMPLE_WITHOUT_HANDLERS: flag('Breaks the contract').default(false),
  }),
  database: (config) => ({
    url: config.SAMPLE_DATABASE_URL,
    schema: 'sample',
    entities: [],
    migrations: [inboxMigration, inboxAnswersMigration],
    poolSize: config.DATABASE_POOL_SIZE,
    fingerprintKey: config.SAMPLE_SECRET,
  }),
  module: (config) => (config.SAMPLE_WITHOUT_HANDLERS ? EmptyModule : SampleModule),
});
