import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { stopwatch } from '@puerta/testing';
import { Bench, eventually, Log, rejection } from '../../test/harness';
import { sampleContract, Work } from '../../test/sample';
import { aclRules } from './acl';
import { InvalidationPublisher } from '../invalidation/invalidation-publisher';

/** Asked by nobody but the sample service, and in one lane alone. */
const deepContract = {
  name: 'deep',
  patterns: { 'deep.do': { request: Work, lane: 'fast', callers: ['sample'] } },
} as const;

const contracts = [sampleContract, deepContract];
const services = ['gateway', 'tester', 'sample', 'deep'];
const password = randomUUID();

let bench: Bench;

beforeAll(async () => {
  bench = new Bench();
  for (const service of services) {
    const follows = service === 'gateway' ? ['sample'] : [];
    const publishes = service === 'sample';
    const rules = aclRules({ service, contracts, prefix: bench.prefix, follows, publishes });
    await bench.redis.call('ACL', 'SETUSER', nameOf(service), 'reset', 'on', `>${password}`, ...rules);
  }
});

afterAll(async () => {
  await bench.redis.call('ACL', 'DELUSER', ...services.map(nameOf));
  await bench.close();
});

function nameOf(service: string): string {
  return `${bench.prefix}-${service}`;
}

function urlOf(service: string): string {
  const url = new URL(bench.url);
  url.username = nameOf(service);
  url.password = password;
  return url.href;
}

/** A connection as that service's user. */
function as(service: string): Redis {
  const redis = new Redis(urlOf(service), { retryStrategy: () => null });
  redis.on('error', () => undefined);
  bench.onClose(async () => redis.disconnect());
  return redis;
}

/** A command as that service's user. `@`, `%` and `$` stand for the keys of the two services, and for the channels. */
async function attempt(service: string, line: string): Promise<unknown> {
  const { prefix } = bench;
  const places: Record<string, string> = { '@': `${prefix}:{sample}`, '%': `${prefix}:{deep}`, $: `${prefix}:reply` };
  const [command = '', ...args] = line.split(' ').map((word) => word.replace(/[@%$]/, (sign) => places[sign] ?? sign));
  return as(service).call(command, ...args);
}

/** A call in Lua that writes to that key. */
function call(command: 'XADD' | 'ZADD', key: string): string {
  return command === 'XADD' ? `redis.call("XADD",${key},"*","a","b")` : `redis.call("ZADD",${key},1,"ghost")`;
}

const REFUSED = /NOPERM|The user executing the script can't (run this command|access at least one of the keys)/;

/** What Redis has refused to our users. */
async function refusals(): Promise<string[]> {
  const log = (await bench.redis.call('ACL', 'LOG', '128')) as string[][];
  return log.map((entry) => entry.join(' ')).filter((entry) => entry.includes(` ${bench.prefix}-`));
}

it('every part of the bus works: calls, replicas, nobody there, what a dead one left, an orderly end', async () => {
  const tester = bench.sample(bench.client({ redis: urlOf('tester') }));
  const gateway = bench.sample(bench.client({ redis: urlOf('gateway'), service: 'gateway' }));

  const { code } = await rejection(tester.request('work.do', { key: 'nobody' }));
  expect(code).toBe('service_unavailable');
  expect(await tester.presence()).toBe(0);
  const early = gateway.request('work.do', { key: 'early' }, { ttlMs: 9_000 });
  await eventually(async () => (await bench.redis.xlen(bench.key('gateway:fast'))) === 1);

  // A replica that died with a message in its hands, a while ago.
  const stream = bench.key('gateway:fast');
  await bench.redis.xgroup('CREATE', stream, 'sample', '0');
  await bench.redis.xreadgroup('GROUP', 'sample', 'dead', 'COUNT', 1, 'STREAMS', stream, '>');
  const replicas = await Promise.all([
    bench.replica(async () => void (await sleep(1_200)), { redis: urlOf('sample') }),
    bench.replica(async () => undefined, { redis: urlOf('sample') }),
  ]);
  expect(await early).toMatchObject({ key: 'early' });
  const patterns = ['work.do', 'work.burn'] as const;
  await Promise.all(patterns.flatMap((pattern) => ['a', 'b', 'c'].map((key) => tester.request(pattern, { key }))));
  expect(await gateway.presence()).toBe(2);
  const asksNobody = bench.client({ redis: urlOf('deep'), service: 'deep' });
  await asksNobody.connect();
  expect(asksNobody.ready).toBe(true);
  const elapsed = stopwatch();
  await Promise.all(replicas.map((replica) => replica.stop()));
  expect(elapsed()).toBeLessThan(900);
  expect(await refusals()).toEqual([]);
}, 30_000);

describe('a service is refused', () => {
  it.each([
    ['writing as another caller', 'tester', 'XADD @:gateway:fast * a b'],
    ['writing as another by a script', 'tester', `EVAL return(${call('XADD', 'KEYS[1]')}) 1 @:gateway:fast`],
    ['writing as another by a script that hides it', 'tester', `EVAL return(${call('XADD', '"@:gateway:fast"')}) 0`],
    ['asking in a lane where it has no pattern', 'gateway', 'XADD @:gateway:heavy * a b'],
    ['asking a service that it may not ask', 'gateway', 'XADD %:gateway:fast * a b'],
    ['asking as the one that may', 'gateway', 'XADD %:sample:fast * a b'],
    ["reading another caller's messages", 'tester', 'XRANGE @:gateway:fast - +'],
    ['writing to itself as its caller', 'sample', 'XADD @:gateway:fast * a b'],
    ['writing to itself by a script', 'sample', `EVAL return(${call('XADD', 'KEYS[1]')}) 1 @:gateway:fast`],
    ['trimming what it was asked', 'sample', 'XTRIM @:gateway:fast MAXLEN 0'],
    ['publishing where it publishes nothing', 'deep', 'XADD %:invalidations * a b'],
    ['waking others where it reads no lane', 'gateway', 'CLIENT UNBLOCK 1'],
    ["taking a callee's messages", 'tester', 'XREADGROUP GROUP sample me STREAMS @:tester:fast >'],
    ["acknowledging a callee's messages", 'tester', 'XACK @:tester:fast sample 1-1'],
    ["removing a callee's group", 'tester', 'XGROUP DESTROY @:tester:fast sample'],
    ["reading another callee's messages", 'deep', 'XREADGROUP GROUP sample me STREAMS @:gateway:fast >'],
    ["claiming another callee's messages", 'deep', 'XCLAIM @:gateway:fast sample me 0 1-1'],
    ["reading another's dead letters", 'gateway', 'XRANGE @:dead - +'],
    ["forging another's heartbeat", 'tester', 'ZADD @:replicas 9999999999999 ghost'],
    ["forging another's heartbeat by a script", 'tester', `EVAL return(${call('ZADD', 'KEYS[1]')}) 1 @:replicas`],
    ["ending another's presence", 'tester', 'ZREMRANGEBYSCORE @:replicas -inf +inf'],
    ["forging another's lease", 'tester', 'ZADD @:leases 1 ghost'],
    ["reading another's leases", 'tester', 'ZCOUNT @:leases -inf +inf'],
    ['reading the presence of whom it does not ask', 'gateway', 'ZCOUNT %:replicas -inf +inf'],
    ["hearing another's answers", 'tester', 'SUBSCRIBE $:gateway:x'],
    ["hearing another's answers by a pattern", 'tester', 'PSUBSCRIBE $:gateway:*'],
    ['hearing its own answers by a pattern', 'tester', 'PSUBSCRIBE $:tester:*'],
    ['hearing all answers', 'tester', 'PSUBSCRIBE *'],
    ['hearing what it answers', 'sample', 'SUBSCRIBE $:gateway:x'],
    ['answering as a callee', 'tester', 'PUBLISH $:gateway:x {}'],
    ['answering itself', 'tester', 'PUBLISH $:tester:x {}'],
    ['answering who does not ask it', 'deep', 'PUBLISH $:gateway:x {}'],
    ["writing another's invalidations", 'gateway', 'XADD @:invalidations * a b'],
    ['reading invalidations that are not for it', 'tester', 'XRANGE @:invalidations - +'],
    ['reading other keys', 'sample', 'GET anything'],
    ['reading keys of another prefix', 'sample', 'XLEN bus:{sample}:gateway:fast'],
  ])('%s', async (_, service, line) => {
    await expect(attempt(service, line)).rejects.toThrow(REFUSED);
  });

  it.each([
    ...['KEYS *', 'SCAN 0', 'RANDOMKEY', 'DBSIZE', 'FLUSHALL', 'FLUSHDB', 'CONFIG GET *', 'CONFIG SET maxmemory 1'],
    ...['SCRIPT FLUSH', 'SCRIPT LOAD x', 'SCRIPT KILL', 'FUNCTION LOAD x', 'FCALL f 0', 'MONITOR', 'SHUTDOWN', 'SAVE'],
    ...['BGREWRITEAOF', 'REPLICAOF no one', 'ACL LIST', 'ACL WHOAMI', 'ACL SETUSER x', 'CLIENT LIST'],
    ...['CLIENT KILL ID 1', 'CLIENT PAUSE 1', 'PUBSUB CHANNELS *', 'SLOWLOG GET', 'LATENCY RESET', 'MODULE LIST'],
    ...['SWAPDB 0 1', 'MIGRATE h 1 k 0 1', 'OBJECT HELP', 'MEMORY STATS', 'WAIT 0 0', 'CLUSTER RESET'],
    ...['EVAL return(redis.call("KEYS","*")) 0', 'EVAL return(redis.call("FLUSHALL")) 0'],
  ])('%s', async (line) => {
    for (const service of services) await expect(attempt(service, line)).rejects.toThrow(REFUSED);
  });
});

it('a pattern of a stream that it has, but may not ask, is refused by the callee', async () => {
  const replica = await bench.replica(async () => undefined, { redis: urlOf('sample') });
  const client = bench.client({ redis: urlOf('tester') });
  const call = client.call({ service: 'sample', pattern: 'work.secret', lane: 'fast' }, { key: 'a' });
  await expect(call).rejects.toMatchObject({ code: 'forbidden_caller' });
  await replica.stop();
});

it('who follows invalidations may read them, and the one they are about may write and trim them', async () => {
  const stream = bench.key('invalidations');
  const publisher = new InvalidationPublisher({
    redis: urlOf('sample'),
    prefix: bench.prefix,
    service: 'sample',
    logger: new Log(),
  });
  bench.onClose(async () => publisher.close());
  publisher.connect();
  await eventually(() => publisher.ready);
  await publisher.publish([{ type: 'user.changed', data: { user_id: 'u1' } }]);
  await expect(as('gateway').xread('COUNT', 10, 'STREAMS', stream, '0')).resolves.toHaveLength(1);
  await expect(as('gateway').xrevrange(stream, '+', '-')).resolves.toHaveLength(1);
});
