import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '@puerta/testing';
import fc from 'fast-check';
import type { Dispatcher } from 'undici';
import { TestUpstream } from '../../test/test-upstream';
import { type Connection, ConnectionPool, type ConnectionTarget } from './connection-pool';

const target = (origin = 'http://127.0.0.1:9', connectMs = 1_000): ConnectionTarget => ({ origin, connectMs });

/** Connections that were given, in turn. */
function taker(pool: ConnectionPool) {
  const got: Connection[] = [];
  return { got, take: (whom: ConnectionTarget) => pool.acquire(whom, (connection) => got.push(connection)) };
}

/** Asks over a connection, as a forwarding does, and gives the body. */
const ask = ({ client }: Connection, path = '/'): Promise<string> =>
  client.request({ path, method: 'GET', reset: false } as Dispatcher.RequestOptions).then(({ body }) => body.text());

describe('the connections to services', () => {
  const [one, other] = [target('http://127.0.0.1:8'), target('http://127.0.0.1:9')];

  it('are as many as are admitted, to all services together', () => {
    const pool = new ConnectionPool({ maxConnections: 3, maxIdle: 3 });
    const { got, take } = taker(pool);
    expect([take(one), take(other), take(one)]).toEqual([undefined, undefined, undefined]);
    const waiting = [take(one), take(other), take(one)];
    expect(waiting).toEqual([expect.any(Function), expect.any(Function), expect.any(Function)]);
    expect(take(other)).toBe('full');
    expect(pool.counts).toEqual({ busy: 3, idle: 0, waiting: 3 });
    expect(got).toHaveLength(3);
  });

  it('are given to one client up to a quarter of all, those that it waits for included, and no matter how they come back', () => {
    const pool = new ConnectionPool({ maxConnections: 8, maxIdle: 8 });
    const got: Connection[] = [];
    const take = (holder: string) => pool.acquire(one, (connection) => got.push(connection), holder);
    expect([take('ana'), take('ana'), take('ana')]).toEqual([undefined, undefined, 'too_many']);
    expect([take('luis'), take('luis'), take('luis')]).toEqual([undefined, undefined, 'too_many']);
    pool.release(got.shift() as Connection);
    pool.discard(got.shift() as Connection);
    expect([take('ana'), take('ana'), take('ana')]).toEqual([undefined, undefined, 'too_many']);
    for (const who of ['eva', 'eva', 'leo', 'leo']) take(who);
    expect(pool.counts.busy).toBe(8);
    const waiting = [take('tom'), take('tom'), take('tom')];
    expect(waiting).toEqual([expect.any(Function), expect.any(Function), 'too_many']);
    (waiting[0] as () => void)();
    expect(take('tom')).toEqual(expect.any(Function));
  });

  it('go to who has waited longest, whomever for', () => {
    const pool = new ConnectionPool({ maxConnections: 1, maxIdle: 1 });
    const first = taker(pool);
    first.take(one);
    const order: string[] = [];
    const wait = (name: string, whom: ConnectionTarget) =>
      pool.acquire(whom, (given) => {
        expect(given.target).toBe(whom);
        order.push(name);
        setImmediate(() => pool.release(given));
      });
    wait('a', other);
    pool.release(first.got[0] as Connection);
    wait('b', one);
    return waitFor(() => order.join() === 'a,b' && pool.counts.busy === 0);
  });

  it('are waited for no more by who has given up', () => {
    const pool = new ConnectionPool({ maxConnections: 1, maxIdle: 1 });
    const { got, take } = taker(pool);
    take(one);
    const giveUp = take(one) as () => void;
    giveUp();
    pool.release(got[0] as Connection);
    expect(got).toHaveLength(1);
    expect(pool.counts).toEqual({ busy: 0, idle: 1, waiting: 0 });
  });

  it('are kept while nobody needs them, so many as are admitted, and that used last is used next', () => {
    const pool = new ConnectionPool({ maxConnections: 5, maxIdle: 2 });
    const { got, take } = taker(pool);
    for (let i = 0; i < 4; i++) take(one);
    for (const connection of got) pool.release(connection);
    expect(pool.counts).toEqual({ busy: 0, idle: 2, waiting: 0 });
    take(one);
    expect(got[4]).toBe(got[1]);
    expect(got[3]?.client.destroyed).toBe(true);
  });

  it('make room for another service when all are idle', () => {
    const pool = new ConnectionPool({ maxConnections: 2, maxIdle: 2 });
    const { got, take } = taker(pool);
    take(one);
    take(one);
    for (const connection of got) pool.release(connection);
    take(other);
    expect([got[2]?.target, got[0]?.client.destroyed, got[1]?.client.destroyed]).toEqual([other, true, false]);
    expect(pool.counts).toEqual({ busy: 1, idle: 1, waiting: 0 });
  });

  it('are kept no more once the pool is closed', () => {
    const pool = new ConnectionPool({ maxConnections: 2, maxIdle: 2 });
    const { got, take } = taker(pool);
    take(one);
    take(one);
    pool.release(got[0] as Connection);
    pool.close();
    expect(pool.counts).toEqual({ busy: 1, idle: 0, waiting: 0 });
    pool.release(got[1] as Connection);
    expect(pool.counts).toEqual({ busy: 0, idle: 0, waiting: 0 });
    expect(got.every(({ client }) => client.destroyed)).toBe(true);
  });

  it('are counted right whatever happens in whatever order', () => {
    const targets = [one, other, target('http://127.0.0.1:7')];
    const step = fc.tuple(
      fc.constantFrom('acquire', 'acquire', 'acquire', 'release', 'release', 'discard', 'disconnect', 'give up'),
      fc.nat({ max: 20 }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat({ max: 5 }),
        (steps, maxConnections, maxIdle) => {
          const pool = new ConnectionPool({ maxConnections, maxIdle: Math.min(maxIdle, maxConnections) });
          const busy: Connection[] = [];
          const all = new Set<Connection>();
          const waiting: { readonly n: number; readonly giveUp: () => void }[] = [];
          const order: number[] = [];
          let asked = 0;
          const acquire = (whom: ConnectionTarget): void => {
            const n = (asked += 1);
            const result = pool.acquire(whom, (connection) => {
              expect(connection.target).toBe(whom);
              // Nobody else has it.
              expect(busy).not.toContain(connection);
              busy.push(connection);
              all.add(connection);
              const at = waiting.findIndex((entry) => entry.n === n);
              if (at < 0) return;
              order.push(n);
              expect(at).toBe(0);
              waiting.splice(at, 1);
            });
            if (typeof result === 'function') waiting.push({ n, giveUp: result });
            if (result === 'full') expect(waiting.length).toBeGreaterThanOrEqual(maxConnections);
          };
          for (const [what, which] of steps) {
            const at = which % Math.max(1, busy.length);
            if (what === 'acquire') acquire(targets[which % targets.length] as ConnectionTarget);
            else if (what === 'give up') waiting.splice(which % Math.max(1, waiting.length), 1)[0]?.giveUp();
            else if (what === 'disconnect')
              ([...all][which % Math.max(1, all.size)]?.client as EventEmitter | undefined)?.emit('disconnect');
            else {
              const [connection] = busy.splice(at, 1);
              if (connection) pool[what as 'release' | 'discard'](connection);
            }
            const { counts } = pool;
            expect([counts.busy, counts.waiting]).toEqual([busy.length, waiting.length]);
            expect(counts.busy + counts.idle).toBeLessThanOrEqual(maxConnections);
            expect(counts.idle).toBeLessThanOrEqual(maxIdle);
            // Nobody waits while there is room.
            if (counts.waiting > 0) expect(counts.busy).toBe(maxConnections);
          }
          expect(order).toEqual([...order].sort((a, b) => a - b));
          while (waiting.length > 0 || busy.length > 0) pool.discard(busy.shift() as Connection);
          pool.close();
          expect(pool.counts).toEqual({ busy: 0, idle: 0, waiting: 0 });
          expect([...all].every(({ client }) => client.destroyed)).toBe(true);
        },
      ),
    );
  });

  describe('to a service whose address changes', () => {
    let old: TestUpstream;
    let now: TestUpstream;

    beforeAll(async () => {
      old = await TestUpstream.start();
      now = await TestUpstream.start('127.0.0.2', Number(new URL(old.url).port));
      old.answer = (_request, response) => void response.end('old');
      now.answer = (_request, response) => void response.end('new');
    });

    afterAll(() => Promise.all([old.stop(), now.stop()]));

    it('go to the new one within the time that an address is believed', async () => {
      let address = '127.0.0.1';
      let lookups = 0;
      const lookup = (_name: string, { all }: { all?: boolean }, done: (...result: never[]) => void): void => {
        lookups += 1;
        const found = all ? [[{ address, family: 4 }]] : [address, 4];
        (done as (...result: unknown[]) => void)(null, ...found);
      };
      const pool = new ConnectionPool({ maxConnections: 2, maxIdle: 2, maxAgeMs: 150, lookup: lookup as never });
      const whom = target(old.url.replace('127.0.0.1', 'service.example'));
      const once = async (): Promise<string> => {
        const { got, take } = taker(pool);
        take(whom);
        const text = await ask(got[0] as Connection);
        pool.release(got[0] as Connection);
        return text;
      };
      expect([await once(), await once(), lookups]).toEqual(['old', 'old', 1]);
      address = '127.0.0.2';
      await sleep(160);
      expect([await once(), await once(), lookups]).toEqual(['new', 'new', 2]);
      pool.close();
    });

    it('are taken out when the service has closed them', async () => {
      const pool = new ConnectionPool({ maxConnections: 2, maxIdle: 2 });
      const { got, take } = taker(pool);
      take(target(old.url));
      await ask(got[0] as Connection);
      pool.release(got[0] as Connection);
      expect(pool.counts.idle).toBe(1);
      old.server.closeAllConnections();
      await waitFor(() => pool.counts.idle === 0, 1_000);
      expect(pool.counts).toEqual({ busy: 0, idle: 0, waiting: 0 });
    });
  });
});
