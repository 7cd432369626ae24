import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { map, type Observable, of, throwError } from 'rxjs';
import { Bench, eventually, moduleOf, rejection } from '../../test/harness';
import { type Done, sampleContract, Work } from '../../test/sample';
import { sealReplies } from '../wire/envelope';
import { encodeReply } from '../wire/message';
import { BusContext, BusError, BusServer, callContext, createBusService, Handles, type WireError } from '..';

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

afterEach(() => bench.close());

describe('a call', () => {
  it('brings the data to a handler and its answer back', async () => {
    const { server } = await bench.replica();
    await expect(bench.sample().request('work.do', { key: 'ñandú 🚪' })).resolves.toEqual({
      key: 'ñandú 🚪',
      replica: server.replica,
    });
  });

  it('brings each of many answers to the call it belongs to', async () => {
    await bench.replica(async ({ wait_ms }) => void (await sleep(wait_ms)));
    const [one, other] = [bench.sample(), bench.sample()];
    const ask = (i: number) => (i % 2 ? one : other).request('work.do', { key: String(i), wait_ms: (i * 7) % 20 });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(i)));
    expect(answers.map((answer) => answer.key)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
  });

  it('tells the handler who asks, on whose behalf, for how long, and in which request', async () => {
    let seen: BusContext<object> | undefined;
    let inherited: unknown;
    let left = 0;
    const handle = async (_: Work, context: BusContext<object>) => {
      seen = context;
      left = (callContext.getStore()?.deadline ?? 0) - performance.now();
      inherited = callContext.getStore();
    };
    await bench.replica(handle, { actorsFrom: ['gateway'] });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const gateway = bench.sample(bench.client({ service: 'gateway' }));
    const tracestate = 'vendor=1';
    await callContext.run({ requestId: 'req-1', traceparent, tracestate, actor: { user_id: 'from context' } }, () =>
      gateway.request('work.do', { key: 'a' }, { actor: { user_id: 'u1' }, idempotencyKey: 'key-1', ttlMs: 3_000 }),
    );
    expect(seen).toMatchObject({
      pattern: 'work.do',
      caller: 'gateway',
      actor: { user_id: 'u1' },
      idempotencyKey: 'key-1',
      requestId: 'req-1',
    });
    // The same trace, in a span of its own.
    expect(seen?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(seen?.traceparent).not.toBe(traceparent);
    expect(seen?.messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(left).toBeGreaterThan(2_500);
    expect(left).toBeLessThanOrEqual(3_001);
    const { traceparent: own } = seen ?? {};
    expect(inherited).toMatchObject({ requestId: 'req-1', traceparent: own, tracestate, actor: { user_id: 'u1' } });
  });

  it('takes the actor from the call context where none is given, and is believed only from callers that may name one', async () => {
    const actors: unknown[] = [];
    await bench.replica(async (_, { actor }) => void actors.push(actor), { actorsFrom: ['gateway'] });
    const actor = { user_id: 'u2' };
    for (const service of ['gateway', 'tester']) {
      const sample = bench.sample(bench.client({ service }));
      await callContext.run({ requestId: 'r', actor }, () => sample.request('work.do', { key: 'a' }));
    }
    expect(actors).toEqual([actor, undefined]);
  });

  it('gets what its own call has left, when it is made for another', async () => {
    let left = 0;
    await bench.replica(async () => {
      left = (callContext.getStore()?.deadline ?? 0) - performance.now();
    });
    const sample = bench.sample();
    await sample.request('work.do', { key: 'warm-up' });
    const context = { requestId: 'r', deadline: performance.now() + 700 };
    await callContext.run(context, () => sample.request('work.do', { key: 'a' }, { ttlMs: 60_000 }));
    expect(left).toBeGreaterThan(400);
    expect(left).toBeLessThanOrEqual(701);
    for (const ttlMs of [0, -1, NaN, Infinity, 1e7]) {
      await expect(sample.request('work.do', { key: 'a' }, { ttlMs })).rejects.toThrow(RangeError);
    }
    const late = { requestId: 'r', deadline: performance.now() - 1 };
    const { code } = await rejection(callContext.run(late, () => sample.request('work.do', { key: 'late' })));
    expect(code).toBe('service_unavailable');
  });

  it('answers what nobody meant to answer: nothing, observables, large numbers', async () => {
    const answers = [undefined, of({ key: 'last' }), { key: 9_007_199_254_740_991 }];
    const handler = async () => answers.shift() as never;
    const module = moduleOf(sampleContract, { 'work.do': handler, 'work.burn': handler, 'work.secret': handler });
    const app = await createBusService(module, new BusServer({ ...bench.options, contract: sampleContract }), {
      logger: false,
    });
    bench.onClose(() => app.close());
    await app.listen();
    const sample = bench.sample();
    await expect(sample.request('work.do', { key: 'a' })).resolves.toBeUndefined();
    await expect(sample.request('work.do', { key: 'a' })).resolves.toEqual({ key: 'last' });
    await expect(sample.request('work.do', { key: 'a' })).resolves.toEqual({ key: 9_007_199_254_740_991 });
  });
});

describe('an error', () => {
  class Refusal extends Error {
    constructor(readonly code: string) {
      super('never shown');
    }
  }

  const encodeError = (error: unknown): WireError | undefined =>
    error instanceof Refusal ? { code: error.code, meta: { retry_after: 3 } } : undefined;

  it('crosses with its code and what belongs to it, as the error that the caller makes of it', async () => {
    await bench.replica(async () => Promise.reject(new Refusal('sold_out')), { encodeError });
    class Decoded extends Error {
      constructor(readonly wire: WireError) {
        super(wire.code);
      }
    }
    const sample = bench.sample(bench.client({ decodeError: (wire) => new Decoded(wire) }));
    const { error } = await rejection(sample.request('work.do', { key: 'a' }));
    expect(error).toBeInstanceOf(Decoded);
    expect(error).toMatchObject({ wire: { code: 'sold_out', meta: { retry_after: 3 } } });
  });

  it('of any other kind crosses as `internal` alone, and is logged with the id of the message', async () => {
    const { log } = await bench.replica(async () => Promise.reject(new Error('password is hunter2')), { encodeError });
    const { error } = await rejection(bench.sample().request('work.do', { key: 'a' }));
    expect(error).toBeInstanceOf(BusError);
    expect((error as BusError).wire).toEqual({ code: 'internal' });
    expect(log.errors).toHaveLength(1);
    expect(log.errors[0]?.facts).toMatchObject({
      pattern: 'work.do',
      caller: 'tester',
      message_id: expect.any(String),
    });
  });

  it('in the encoding of errors, or of the answer, is `internal` too', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const encode = () => {
      throw new TypeError('bug');
    };
    const { log } = await bench.replica(async ({ key }) => (key === 'cycle' ? cycle : Promise.reject(new Error('x'))), {
      encodeError: encode,
    });
    const sample = bench.sample();
    expect((await rejection(sample.request('work.do', { key: 'cycle' }))).code).toBe('internal');
    expect((await rejection(sample.request('work.do', { key: 'error' }))).code).toBe('internal');
    expect(log.errors).toHaveLength(2);
  });

  it('comes out of validation before a handler runs', async () => {
    const handled: unknown[] = [];
    const validate = <T extends object>(cls: new () => T, plain: object): T => {
      if (!('key' in plain)) throw new Refusal('validation_failed');
      return Object.assign(new cls(), plain);
    };
    await bench.replica(async (data) => void handled.push(data), { validate, encodeError });
    const sample = bench.sample();
    await sample.request('work.do', { key: 'a' });
    const { error } = await rejection(sample.request('work.do', {} as Work));
    expect(error).toMatchObject({ wire: { code: 'validation_failed', meta: { retry_after: 3 } } });
    expect(handled).toHaveLength(1);
    expect(handled[0]).toBeInstanceOf(Work);
  });
});

describe("Nest's pipeline", () => {
  class Teapot extends Error {}
  class Kettle extends Error {}

  class OnlyKettles implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const { key } = context.switchToRpc().getData<Work>();
      if (key === 'guarded') throw new Kettle();
      return context.switchToRpc().getContext<BusContext>().caller === 'tester';
    }
  }

  class Shouts implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler<Done>): Observable<Done> {
      return next.handle().pipe(map((done) => ({ ...done, key: done.key.toUpperCase() })));
    }
  }

  @Catch(Teapot)
  class TeapotFilter implements ExceptionFilter {
    catch(_error: Teapot, _host: ArgumentsHost): Observable<never> {
      return throwError(() => new BusError({ code: 'teapot' }));
    }
  }

  @Catch(Kettle)
  class KettleFilter implements ExceptionFilter {
    catch(): Observable<Done> {
      return of({ key: 'kettle', replica: 'filter' });
    }
  }

  @Controller()
  @UseGuards(OnlyKettles)
  @UseFilters(TeapotFilter)
  class PipelineController {
    @Handles(sampleContract, 'work.do')
    @UseInterceptors(Shouts)
    async work({ key }: Work): Promise<Done> {
      if (key === 'tea') throw new Teapot();
      return { key, replica: 'one' };
    }

    @Handles(sampleContract, 'work.burn')
    async burn(): Promise<Done> {
      throw new BusError({ code: 'burnt' });
    }

    @Handles(sampleContract, 'work.secret')
    async secret(): Promise<Done> {
      return { key: '', replica: '' };
    }
  }

  @Module({ controllers: [PipelineController], providers: [{ provide: APP_FILTER, useClass: KettleFilter }] })
  class PipelineModule {}

  it('is there: guards, interceptors, and filters of the application, the controller and the bus', async () => {
    const options = { ...bench.options, contract: sampleContract };
    const app = await createBusService(PipelineModule, new BusServer(options), { logger: false });
    bench.onClose(() => app.close());
    await app.listen();
    const sample = bench.sample();
    await expect(sample.request('work.do', { key: 'quiet' })).resolves.toEqual({ key: 'QUIET', replica: 'one' });
    await expect(sample.request('work.do', { key: 'guarded' })).resolves.toEqual({ key: 'kettle', replica: 'filter' });
    expect((await rejection(sample.request('work.do', { key: 'tea' }))).code).toBe('teapot');
    expect((await rejection(sample.request('work.burn', { key: '' }))).code).toBe('burnt');
    const gateway = bench.sample(bench.client({ service: 'gateway' }));
    expect((await rejection(gateway.request('work.do', { key: 'forbidden' }))).code).toBe('internal');
  });
});

describe('a controller of the request', () => {
  let made = 0;

  @Injectable({ scope: Scope.REQUEST })
  class PerMessage {
    readonly number = (made += 1);
  }

  @Controller()
  class ScopedController {
    constructor(private readonly perMessage: PerMessage) {}

    @Handles(sampleContract, 'work.do')
    async work({ key }: Work, context: BusContext): Promise<Done> {
      if (key === 'no') throw new BusError({ code: 'no' });
      return { key: `${this.perMessage.number}`, replica: context.caller };
    }

    @Handles(sampleContract, 'work.burn')
    async burn(): Promise<Done> {
      return { key: '', replica: '' };
    }

    @Handles(sampleContract, 'work.secret')
    async secret(): Promise<Done> {
      return { key: '', replica: '' };
    }
  }

  @Module({ controllers: [ScopedController], providers: [PerMessage] })
  class ScopedModule {}

  it('is made anew for each message', async () => {
    const options = { ...bench.options, contract: sampleContract };
    const app = await createBusService(ScopedModule, new BusServer(options), { logger: false });
    bench.onClose(() => app.close());
    await app.listen();
    const sample = bench.sample();
    await expect(sample.request('work.do', { key: 'a' })).resolves.toEqual({ key: '1', replica: 'tester' });
    await expect(sample.request('work.do', { key: 'a' })).resolves.toEqual({ key: '2', replica: 'tester' });
    expect((await rejection(sample.request('work.do', { key: 'no' }))).code).toBe('no');
  });
});

describe('a caller', () => {
  it('is refused what the contract does not let it ask, whatever it says it is', async () => {
    let runs = 0;
    await bench.replica(async () => void (runs += 1));
    const target = { service: 'sample', pattern: 'work.secret', lane: 'fast' } as const;
    expect((await rejection(bench.client().call(target, { key: 'a', caller: 'gateway' }))).code).toBe(
      'forbidden_caller',
    );
    expect((await rejection(bench.client().call({ ...target, pattern: 'work.nothing' }, {}))).code).toBe(
      'unknown_pattern',
    );
    expect((await rejection(bench.client().call({ ...target, pattern: '__proto__' }, {}))).code).toBe(
      'unknown_pattern',
    );
    // Heavy work in the fast lane would get round its bound.
    expect((await rejection(bench.client().call({ ...target, pattern: 'work.burn' }, {}))).code).toBe(
      'unknown_pattern',
    );
    await expect(bench.sample().request('work.secret', { key: 'a' })).rejects.toThrow('tester may not ask');
    expect(runs).toBe(0);
  });

  it('cannot send what is too large, nor be sent it', async () => {
    const { log } = await bench.replica(async ({ text }) => ({ key: (text ?? '').repeat(3) }));
    const sample = bench.sample();
    const large = await rejection(sample.request('work.do', { key: 'a', text: 'x'.repeat(262_144) }));
    expect(large).toMatchObject({ code: 'message_too_large' });
    const inBytes = await rejection(sample.request('work.do', { key: 'a', text: 'ñ'.repeat(140_000) }));
    expect(inBytes.code).toBe('message_too_large');
    expect((await rejection(sample.request('work.do', { key: 'a', text: 'x'.repeat(100_000) }))).code).toBe('internal');
    expect(log.errors).toHaveLength(1);
    await expect(sample.request('work.do', { key: 'a', text: 'x'.repeat(80_000) })).resolves.toBeDefined();
  });

  it('is told at once when the stream is full', async () => {
    const sample = bench.sample(bench.client({ maxStreamLength: 3 }));
    const calls = Array.from({ length: 5 }, (_, i) => rejection(sample.request('work.do', { key: String(i) })));
    const settled = await Promise.all(calls);
    expect(settled.map(({ code }) => code).sort()).toEqual([
      'overloaded',
      'overloaded',
      'service_unavailable',
      'service_unavailable',
      'service_unavailable',
    ]);
    for (const { ms } of settled.filter(({ code }) => code === 'overloaded')) expect(ms).toBeLessThan(500);
  });

  it('hears the first of two answers, and no noise', async () => {
    const client = bench.client();
    const sample = bench.sample(client);
    await bench.replica(async (_, { messageId }) => {
      const channel = `${bench.prefix}:reply:tester:${client.replica}`;
      for (const text of ['', 'null', 'sample', 'sample\n', '\n\n', '{"id":7}'])
        await bench.redis.publish(channel, text);
      const route = { callee: 'sample', caller: 'tester', replica: client.replica };
      const noise = ['null', '7', '{}', '{"id":7}', '{"id":"x","error":{}}', `{"id":"${messageId}","error":"x"}`];
      await bench.redis.publish(channel, sealReplies(bench.sealer, route, noise));
      for (const key of ['first', 'second']) {
        await bench.redis.publish(
          channel,
          sealReplies(bench.sealer, route, [encodeReply(messageId, { key, replica: '' })]),
        );
      }
    });
    await expect(sample.request('work.do', { key: 'a' })).resolves.toMatchObject({ key: 'first' });
    await sleep(50);
    await expect(sample.request('work.do', { key: 'b' })).resolves.toMatchObject({ key: 'first' });
  });

  it('that closes its client is not left waiting, nor may it ask any more', async () => {
    await bench.replica(async () => void (await sleep(300)));
    const client = bench.client();
    const waiting = rejection(bench.sample(client).request('work.do', { key: 'a' }));
    await sleep(100);
    await client.close();
    expect((await waiting).code).toBe('outcome_unknown');
    expect(await rejection(bench.sample(client).request('work.do', { key: 'a' }))).toMatchObject({
      code: 'service_unavailable',
    });
  });

  it('must use a name that cannot be taken for another part of a key', () => {
    for (const service of ['', 'a:b', '{a}', 'A', 'a b', `a${'b'.repeat(63)}`, '*']) {
      expect(() => bench.client({ service })).toThrow(TypeError);
    }
  });
});

describe('a service', () => {
  const nothing = async () => ({ key: '', replica: '' });

  it('does not start when a pattern of its contract has no handler', async () => {
    const module = moduleOf(sampleContract, { 'work.do': nothing });
    const app = await createBusService(module, new BusServer({ ...bench.options, contract: sampleContract }), {
      logger: false,
    });
    await expect(app.listen()).rejects.toThrow('without handler: work.burn, work.secret');
    await app.close();
  });

  it('does not start when a handler has no pattern in its contract, two share one, or one is for events', async () => {
    const server = new BusServer({ ...bench.options, contract: { name: 'sample', patterns: {} } });
    server.addHandler('work.other', nothing);
    await expect(new Promise((_, reject) => server.listen(reject))).rejects.toThrow('not in the contract: work.other');
    expect(() => server.addHandler('work.other', nothing)).toThrow('two handlers');
    expect(() => server.addHandler('work.event', nothing, true)).toThrow('no events');
    expect(() => server.addHandler('a', nothing, false, { contract: 'b' })).toThrow('another service: b');
    await server.close();
  });

  it('counts its replicas, and counts them out as soon as they close', async () => {
    const sample = bench.sample();
    expect(await sample.presence()).toBe(0);
    const [one, two] = await Promise.all([bench.replica(), bench.replica()]);
    await eventually(async () => (await sample.presence()) === 2);
    expect(one.server.ready && two.server.ready).toBe(true);
    await one.stop();
    expect(await sample.presence()).toBe(1);
    expect(one.server.ready).toBe(false);
  });

  it('tells what it handled, and the client what it called, for metrics', async () => {
    const events: object[] = [];
    await bench.replica(async ({ key }) => (key === 'b' ? Promise.reject(new BusError({ code: 'no' })) : undefined), {
      onEvent: (event) => events.push(event),
    });
    const client = bench.client({ onEvent: (event) => events.push(event) });
    await bench.sample(client).request('work.do', { key: 'a' });
    await rejection(bench.sample(client).request('work.do', { key: 'b' }));
    await rejection(client.call({ service: 'sample', pattern: 'made-up', lane: 'fast' }, {}));
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'connection', up: true }),
        { type: 'handled', pattern: 'work.do', caller: 'tester', lane: 'fast', code: 'ok', ms: expect.any(Number) },
        expect.objectContaining({ type: 'handled', code: 'no' }),
        expect.objectContaining({ type: 'handled', pattern: 'unknown', code: 'unknown_pattern' }),
        { type: 'called', service: 'sample', pattern: 'work.do', code: 'ok', ms: expect.any(Number) },
        expect.objectContaining({ type: 'called', code: 'no' }),
      ]),
    );
  });
});
