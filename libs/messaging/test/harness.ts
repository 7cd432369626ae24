import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '@puerta/testing';
import { Controller, type INestMicroservice, Module, type Type } from '@nestjs/common';
import { Redis } from 'ioredis';
import {
  BusClient,
  type BusClientOptions,
  type BusContext,
  type BusLogger,
  BusServer,
  type BusServerOptions,
  createBusService,
  Handles,
  type PatternOf,
  redisOptions,
  type RequestOf,
  type ResponseOf,
  ServiceClient,
  type ServiceContract,
} from '../src';
import { sealerFor } from './keys';
import { type Done, sampleContract, type SampleContract, sampleContractOf, type Work } from './sample';

export type Handlers<C extends ServiceContract> = {
  readonly [P in PatternOf<C>]: (data: RequestOf<C, P>, context: BusContext<object>) => Promise<ResponseOf<C, P>>;
};

type Handler = (data: object, context: BusContext<object>) => Promise<object>;

/** A Nest module whose controller has these methods as handlers. */
export function moduleOf<C extends ServiceContract>(contract: C, handlers: Partial<Handlers<C>>): Type {
  class SampleController {}
  Controller()(SampleController);
  for (const [pattern, handler] of Object.entries(handlers)) {
    // A function of its own for each: that is where decorators keep what they say.
    const value = (data: object, context: BusContext<object>) => (handler as Handler)(data, context);
    const descriptor = { value: value as () => Promise<never>, configurable: true, writable: true };
    Handles(contract, pattern)(SampleController.prototype, pattern, descriptor);
    Object.defineProperty(SampleController.prototype, pattern, descriptor);
  }
  class SampleModule {}
  Module({ controllers: [SampleController] })(SampleModule);
  return SampleModule;
}

/** Keeps what the bus logs. */
export class Log implements BusLogger {
  readonly lines: { level: string; message: string; facts: Record<string, unknown> }[] = [];

  info = (message: string, facts = {}) => this.add('info', message, facts);
  warn = (message: string, facts = {}) => this.add('warn', message, facts);
  error = (message: string, facts = {}) => this.add('error', message, facts);

  private add(level: string, message: string, facts: object): void {
    this.lines.push({ level, message, facts: { ...facts } });
  }

  get errors() {
    return this.lines.filter((line) => line.level === 'error');
  }
}

export interface StartedReplica {
  readonly app: INestMicroservice;
  readonly server: BusServer;
  readonly log: Log;
  stop(): Promise<void>;
}

type WorkHandler = (data: Work, context: BusContext<object>) => Promise<Partial<Done> | void>;

/** A name space of one suite in Redis, and everything that was started there. */
export class Bench {
  readonly prefix = `test-${randomUUID().slice(0, 13)}`;
  /** What tests seal and open with by hand. */
  readonly sealer = sealerFor(this.prefix);
  private readonly cleanups: (() => Promise<unknown>)[] = [];
  private ownRedis: Redis | undefined;

  constructor(readonly url = process.env['PUERTA_TEST_REDIS_URL'] ?? '') {}

  /** What a server or client here needs; each has a sealer of its own, as processes do. */
  get options() {
    return { redis: this.url, prefix: this.prefix, sealer: sealerFor(this.prefix), logger: new Log() };
  }

  /** A connection of the test's own, for looking and for mischief. */
  get redis(): Redis {
    const options = redisOptions(this.url, this.key());
    this.ownRedis ??= new Redis({ ...options, maxRetriesPerRequest: null }).on('error', () => undefined);
    return this.ownRedis;
  }

  key(...parts: string[]): string {
    return `${this.prefix}:{sample}:${parts.join(':')}`;
  }

  /** A replica of the sample service, or of one like it, that does `handle` on every pattern. */
  async replica(
    handle: WorkHandler = async () => undefined,
    options: Partial<BusServerOptions> = {},
    name: string = sampleContract.name,
  ): Promise<StartedReplica> {
    const run = async (data: Work, context: BusContext<object>): Promise<Done> => {
      const answer = await handle(data, context);
      return { key: data.key, replica: server.replica, ...answer };
    };
    const contract = sampleContractOf(name);
    const module = moduleOf(contract, { 'work.do': run, 'work.burn': run, 'work.secret': run });
    const log = new Log();
    const server = new BusServer({ ...this.options, contract, logger: log, ...options });
    const app = await createBusService(module, server, { logger: false });
    this.cleanups.push(() => app.close());
    await app.listen();
    return { app, server, log, stop: () => app.close() };
  }

  client(options: Partial<BusClientOptions> = {}): BusClient {
    const client = new BusClient({ ...this.options, service: 'tester', ...options });
    this.cleanups.push(() => client.close());
    return client;
  }

  sample(client = this.client(), name: string = sampleContract.name): ServiceClient<SampleContract> {
    return new ServiceClient(client, sampleContractOf(name));
  }

  onClose(cleanup: () => Promise<unknown>): void {
    this.cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).reverse()) await cleanup();
    const keys = this.ownRedis?.status === 'ready' ? await this.ownRedis.keys(`${this.prefix}*`) : [];
    if (keys.length > 0) await this.ownRedis?.del(...keys);
    this.ownRedis?.disconnect();
    this.ownRedis = undefined;
  }
}

/** A test with a name space of its own, cleaned up after it: such tests may run at the same time. */
export function inBench(test: (bench: Bench) => Promise<void>): () => Promise<void> {
  return async () => {
    const bench = new Bench();
    try {
      await test(bench);
    } finally {
      await bench.close();
    }
  };
}

/** @returns what the promise rejects with and how long that took */
/** How a promise was rejected, after how many `ms` by the stopwatch, for upper bounds, and how long one `waited` by the clock, for lower ones. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ code: unknown; error: unknown; ms: number; waited: number }> {
  const [began, elapsed] = [performance.now(), stopwatch()];
  try {
    await promise;
  } catch (error) {
    return { code: (error as { code?: unknown }).code, error, ms: elapsed(), waited: performance.now() - began };
  }
  throw new Error('it did not reject');
}

export async function eventually(condition: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    if (await condition()) return;
  }
  throw new Error(`still not so after ${ms} ms: ${String(condition)}`);
}
