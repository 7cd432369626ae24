import { type ChildProcess, spawn } from 'node:child_process';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, eventually, type Handlers, inBench, Log, moduleOf, rejection } from '../../test/harness';
import { aclRules } from '../operations/acl';
import { BusClient } from '../caller/client';
import { type ServiceContract } from './contract';
import { createBusService } from '../callee/create-bus-service';
import { callSeal, openReplies } from './envelope';
import { BusError } from './errors';
import { encodeHead } from './message';
import { Sealer, type SealingKeys } from './sealer';
import { BusServer } from '../callee/server';
import { ServiceClient } from '../caller/service-client';

class Greet {
  name: string;
  wait_ms?: number;
}

class Name {
  name: string;
}

/** What the example answers. */
const greeter = {
  name: 'greeter',
  patterns: {
    greet: { request: Greet, lane: 'fast', callers: ['front'], response: {} as { text: string; replica: string } },
  },
} as const;

/** What it asks. */
const names = {
  name: 'names',
  patterns: { 'names.title': { request: Name, lane: 'fast', callers: ['greeter'], response: {} as { title: string } } },
} as const;

const KEYS = { a1: randomBytes(32), b2: randomBytes(32) };
type KeyId = keyof typeof KEYS;

const secretOf = (...ids: KeyId[]) => ids.map((id) => `${id}:${KEYS[id].toString('base64')}`).join(',');

function keysOf(...ids: [KeyId, ...KeyId[]]): SealingKeys {
  const keys = new Map<string, ReturnType<typeof createSecretKey>>(ids.map((id) => [id, createSecretKey(KEYS[id])]));
  const [id] = ids;
  return { current: { id, key: createSecretKey(KEYS[id]) }, get: (one) => keys.get(one) };
}

/** The example and the services around it, each as a user of its own in Redis. */
class Neighbourhood {
  private readonly password = randomUUID();

  constructor(private readonly bench: Bench) {}

  async urlOf(service: string): Promise<string> {
    const rules = aclRules({ service, contracts: [greeter, names], prefix: this.bench.prefix });
    const user = `${this.bench.prefix}-${service}`;
    await this.bench.redis.call('ACL', 'SETUSER', user, 'reset', 'on', `>${this.password}`, ...rules);
    this.bench.onClose(() => this.bench.redis.call('ACL', 'DELUSER', user));
    return Object.assign(new URL(this.bench.url), { username: user, password: this.password }).href;
  }

  /** `node examples/greeter.mjs`, once it is up. */
  async example(...keys: KeyId[]): Promise<ChildProcess> {
    const env = {
      PATH: process.env['PATH'],
      REDIS_URL: await this.urlOf('greeter'),
      BUS_PREFIX: this.bench.prefix,
      BUS_SECRET: secretOf(...keys),
    };
    const file = join(__dirname, '../../../../examples/greeter.mjs');
    const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.bench.onClose(async () => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }

  /** A replica of ours. */
  async serve<C extends ServiceContract>(
    contract: C,
    handlers: Handlers<C>,
    ...keys: [KeyId, ...KeyId[]]
  ): Promise<BusServer> {
    const { prefix } = this.bench;
    const redis = await this.urlOf(contract.name);
    const server = new BusServer({ redis, prefix, contract, sealer: new Sealer(keysOf(...keys)), logger: new Log() });
    const app = await createBusService(moduleOf(contract, handlers), server, { logger: false });
    this.bench.onClose(() => app.close());
    await app.listen();
    return server;
  }

  async serveNames(...keys: [KeyId, ...KeyId[]]): Promise<void> {
    const title = async ({ name }: Name) => {
      if (name === 'nobody') throw new BusError({ code: 'user_not_found' });
      return { title: `Dr ${name}` };
    };
    await this.serve(names, { 'names.title': title }, ...keys);
  }

  async front(...keys: [KeyId, ...KeyId[]]): Promise<ServiceClient<typeof greeter>> {
    const options = { prefix: this.bench.prefix, sealer: new Sealer(keysOf(...keys)), logger: new Log() };
    const client = new BusClient({ redis: await this.urlOf('front'), service: 'front', ...options });
    this.bench.onClose(() => client.close());
    return new ServiceClient(client, greeter);
  }
}

describe('a service outside Nest, on the bus by its documentation alone', () => {
  it('may do in Redis what the documentation says', () => {
    const page = readFileSync(join(__dirname, '../../../../docs/bus.md'), 'utf8');
    const written = /```text\s+user greeter on #<[^>]+> ([^`]+)```/.exec(page)?.[1]?.trim().split(/\s+/);
    const rules = aclRules({ service: 'greeter', contracts: [greeter, names], prefix: 'bus' });
    expect(written).toEqual(rules.join(' ').split(' '));
  });

  const both = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    await Promise.all([near.serveNames('a1'), near.example('a1')]);
    const front = await near.front('a1');
    const names = Array.from({ length: 50 }, (_, i) => `Ana ${i}`);
    const answers = await Promise.all(names.map((name) => front.request('greet', { name })));
    expect(answers.map(({ text }) => text)).toEqual(names.map((name) => `Good day, Dr ${name}`));
    expect((await rejection(front.request('greet', { name: 'nobody' }))).code).toBe('user_not_found');
    expect((await rejection(front.request('greet', { name: 7 as never }))).code).toBe('validation_failed');
    expect((await rejection(front.request('greet', { name: 'Eva', wait_ms: 900 }, { ttlMs: 500 }))).code).toBe(
      'outcome_unknown',
    );
  });
  it.concurrent('answers ours and asks ours, with codes for what goes wrong', both, 15_000);

  const unfit = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    await near.serveNames('a1');
    const front = await near.front('a1');
    await near.example('a1');
    const sealer = new Sealer(keysOf('a1'));
    const heard: string[] = [];
    const ears = bench.redis.duplicate();
    bench.onClose(async () => ears.disconnect());
    await ears.subscribe(`${bench.prefix}:reply:front:hand`);
    const to = { caller: 'front', replica: 'hand' };
    ears.on('message', (_channel, text: string) =>
      heard.push(...(openReplies(sealer, to, text).replies ?? []).map(({ id }) => id)),
    );

    const stream = `${bench.prefix}:{greeter}:front:fast`;
    const make = (name: string) => {
      const id = randomUUID();
      const head = encodeHead({ id, pattern: 'greet', reply: 'hand' });
      const route = { callee: 'greeter', caller: 'front', lane: 'fast' } as const;
      return { id, head, ttl: '5000', sealed: sealer.seal(JSON.stringify({ data: { name } }), callSeal(route, head)) };
    };
    const write = (fields: Record<string, string>, entry = '*') =>
      bench.redis.xadd(stream, entry, ...Object.entries(fields).flat());
    const [good, late] = [make('good'), make('late')];
    await write(late, '1-0');
    const altered = { ...make('altered'), head: encodeHead({ id: randomUUID(), pattern: 'greet', reply: 'hand' }) };
    await write(altered);
    await write({ ...make('unsealed'), sealed: '{"data":{"name":"x"}}' });
    await write({ any: 'thing' });
    await write(good);
    await eventually(() => heard.includes(good.id));
    await eventually(async () => (await bench.redis.xlen(stream)) === 0);
    expect(heard.sort()).toEqual([good.id, late.id].sort());
    await expect(front.request('greet', { name: 'Ana' })).resolves.toMatchObject({ text: 'Good day, Dr Ana' });
  });
  it.concurrent('drops what was altered, and does not begin what is late', unfit, 15_000);

  const poisonous = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    const stream = `${bench.prefix}:{greeter}:front:fast`;
    const id = randomUUID();
    const head = encodeHead({ id, pattern: 'greet', reply: 'hand' });
    const route = { callee: 'greeter', caller: 'front', lane: 'fast' } as const;
    const sealed = new Sealer(keysOf('a1')).seal('{"data":{"name":"Ana"}}', callSeal(route, head));
    const fields = { head, ttl: '60000', sealed };
    const ears = bench.redis.duplicate();
    bench.onClose(async () => ears.disconnect());
    await ears.subscribe(`${bench.prefix}:reply:front:hand`);
    const heard = once(ears, 'message') as Promise<[string, string]>;
    // As if three replicas had been given it, each of which died of it.
    await bench.redis.xgroup('CREATE', stream, 'greeter', '0', 'MKSTREAM');
    await bench.redis.xadd(stream, '*', ...Object.entries(fields).flat());
    for (const from of ['>', '0', '0'])
      await bench.redis.xreadgroup('GROUP', 'greeter', 'ghost', 'STREAMS', stream, from);
    await near.example('a1');

    const [, text] = await heard;
    const { callee, replies } = openReplies(new Sealer(keysOf('a1')), { caller: 'front', replica: 'hand' }, text);
    expect([callee, replies]).toEqual(['greeter', [{ id, error: { code: 'internal' } }]]);
    const [[, letter]] = (await bench.redis.xrange(`${bench.prefix}:{greeter}:dead`, '-', '+')) as [[string, string[]]];
    expect(letter.slice(0, 6)).toEqual(['caller', 'front', 'lane', 'fast', 'deliveries', '4']);
    expect(letter.slice(8)).toEqual(Object.entries(fields).flat());
    expect(await bench.redis.xlen(stream)).toBe(0);
  });
  it.concurrent('gives up what brought others down, and keeps it as a dead letter', poisonous, 15_000);

  const killed = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    await near.serveNames('a1');
    const front = await near.front('a1');
    const victim = await near.example('a1');
    const waiting = front.request('greet', { name: 'Ana', wait_ms: 1_000 }, { ttlMs: 15_000 });
    await sleep(300);
    await Promise.all([near.example('a1'), (async () => victim.kill('SIGKILL'))()]);
    await expect(waiting).resolves.toMatchObject({ text: 'Good day, Dr Ana' });
  });
  it.concurrent('killed, is replaced by another replica of it', killed, 20_000);

  const shared = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    await near.serveNames('a1');
    const front = await near.front('a1');
    const example = await near.example('a1');
    const first = front.request('greet', { name: 'Ana', wait_ms: 4_000 }, { ttlMs: 15_000 });
    await sleep(300);
    let hang = true;
    let release: () => void = () => undefined;
    const hung = new Promise<void>((resolve) => (release = resolve));
    const greet = async ({ name }: Greet) => {
      if (hang) await hung;
      return { text: `Hello, ${name}`, replica: 'ours' };
    };
    const ours = await near.serve(greeter, { greet }, 'a1');
    hang = false;
    example.kill('SIGKILL');
    await expect(first).resolves.toEqual({ text: 'Hello, Ana', replica: 'ours' });

    // And the other way: ours has a message and goes, the example has been there for long enough.
    hang = true;
    await near.example('a1');
    const second = [1, 2, 3, 4].map((n) => front.request('greet', { name: `Eva ${n}` }, { ttlMs: 15_000 }));
    await sleep(300);
    for (const redis of ours.unwrap()) redis.disconnect();
    const texts = (await Promise.all(second)).map(({ text }) => text);
    expect(texts.sort()).toEqual([1, 2, 3, 4].map((n) => `Good day, Dr Eva ${n}`));
    release();
  });
  it.concurrent('takes over from a replica of ours, and ours from it', shared, 40_000);

  const rotated = inBench(async (bench) => {
    const near = new Neighbourhood(bench);
    await near.serveNames('b2', 'a1');
    const works = async (front: ServiceClient<typeof greeter>) =>
      expect(front.request('greet', { name: 'Ana' })).resolves.toMatchObject({ text: 'Good day, Dr Ana' });
    const [old, both, fresh] = await Promise.all([near.front('a1', 'b2'), near.front('b2', 'a1'), near.front('b2')]);
    // The steps of the example's secret: the new one second, then first, then alone.
    const second = await near.example('a1', 'b2');
    await works(old);
    await works(both);
    second.kill('SIGTERM');
    await once(second, 'exit');
    const first = await near.example('b2', 'a1');
    await works(old);
    await works(both);
    await works(fresh);
    first.kill('SIGTERM');
    await once(first, 'exit');
    await near.example('b2');
    await works(both);
    expect((await rejection(old.request('greet', { name: 'Ana' }, { ttlMs: 1_000 }))).code).toBe('outcome_unknown');
  });
  it.concurrent('changes its secret step by step, as everybody does', rotated, 20_000);
});
