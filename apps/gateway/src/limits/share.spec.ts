import fc from 'fast-check';
import type { Limit } from '../routes/route-options';
import { type Charge, lifeMs, type Moment, mostAhead, Share } from './share';

const limitOf = (count: number, seconds: number): Limit => ({ name: 'any', count, seconds, shared: true });

/** What the script does in Redis. */
class Bucket {
  #arrival = 0;

  constructor(private readonly limit: Limit) {}

  charge(now: number, wanted: number): Charge {
    const { count, seconds } = this.limit;
    const interval = (seconds * 1_000) / count;
    const room = count * interval - lifeMs(this.limit);
    this.#arrival = Math.max(this.#arrival, now);
    const free = (): number => Math.floor((room - (this.#arrival - now)) / interval + 1e-9);
    const granted = Math.min(wanted, free());
    this.#arrival += granted * interval;
    const full = this.#arrival - now;
    const retryMs = Math.max(0, Math.ceil(full + interval - room));
    return { granted, fits: granted > 0, remaining: free(), retryMs, resetMs: full };
  }
}

/** A request to a replica, which another limit refuses or not, and for how long it is on its way to Redis and back. */
interface Ask {
  readonly at: number;
  readonly replica: number;
  readonly there: number;
  readonly back: number;
  readonly refusedElsewhere: boolean;
  /** This replica's machine was suspended before, for so long. */
  readonly suspended: number;
}

/** @returns when requests passed; who waited for Redis did when it was charged there */
function play(limit: Limit, replicas: number, asks: readonly Ask[]): { passed: number[]; calls: number } {
  const bucket = new Bucket(limit);
  const shares = Array.from({ length: replicas }, () => new Share(limit));
  const asleep = shares.map(() => 0);
  const passed: number[] = [];
  let calls = 0;
  /** By time. */
  const events: { at: number; run: () => void }[] = [];
  const later = (at: number, run: () => void): void => {
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((events[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, { at, run });
  };

  const momentOf = (replica: number, at: number): Moment => ({
    monotonic: at - (asleep[replica] ?? 0),
    wall: 1e12 + at,
  });
  const begin = ({ at, replica, there, back, refusedElsewhere, suspended }: Ask): void => {
    asleep[replica] = (asleep[replica] ?? 0) + suspended;
    const share = shares[replica] as Share;
    const now = momentOf(replica, at);
    if (share.isSpent(now)) return;
    const spent = share.spend(now);
    if (spent && refusedElsewhere) return later(at + there + back, () => share.putBack(spent));
    if (spent) return void passed.push(at);
    const wanted = share.want(now);
    calls += 1;
    later(at + there, () => {
      const charge = bucket.charge(at + there, wanted);
      if (charge.granted > 0) passed.push(at + there);
      later(at + there + back, () => share.charged(wanted, now, charge));
    });
  };
  // The last one is the next one.
  for (const ask of [...asks].reverse()) later(ask.at, () => begin(ask));
  for (let next = events.pop(); next; next = events.pop()) next.run();
  return { passed: passed.sort((a, b) => a - b), calls };
}

/** By how many more than the limit admits passed in the worst of all windows. */
function excess({ count, seconds }: Limit, passed: readonly number[]): number {
  const rate = count / (seconds * 1_000);
  let [least, worst] = [Infinity, -Infinity];
  passed.forEach((at, n) => {
    least = Math.min(least, n - at * rate);
    worst = Math.max(worst, n + 1 - at * rate - least - count);
  });
  return worst;
}

const limits = fc.record({ count: fc.integer({ min: 10, max: 3_000 }), seconds: fc.constantFrom(1, 2, 10, 60) });

describe('the shares of a limit', () => {
  it('let never more pass than the limit, in any time, however replicas take turns and answers are late', () => {
    // What tempts them most: shares that have grown, taken from a full bucket, and spent as late as can be, in a burst.
    const replica = fc.nat(3);
    const part = fc.integer({ min: 0, max: 12 }).map((tenth) => tenth / 10);
    const round = fc.record({
      warm: fc.integer({ min: 0, max: 60 }),
      rest: fc.constantFrom(0, 1, 40),
      touched: fc.array(replica, { maxLength: 8 }),
      held: part,
      suspended: fc.option(replica, { freq: 3, nil: -1 }),
      burst: part,
      refused: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      way: fc.constantFrom(0.001, 0.1, 0.4),
    });
    const given = fc.record({
      count: fc.integer({ min: 150, max: 1_000 }),
      seconds: fc.constantFrom(1, 10, 60),
      rounds: fc.array(round, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(given, ({ count, seconds, rounds }) => {
        const limit = limitOf(count, seconds);
        const life = lifeMs(limit) || 100;
        const asks: Ask[] = [];
        let at = 0;
        for (const { warm, rest, touched, held, suspended, burst, refused, way } of rounds) {
          const add = (to: number, gap: number, more: Partial<Ask> = {}): void => {
            at += gap;
            asks.push({ at, replica: to, there: 0, back: life * way, refusedElsewhere: false, suspended: 0, ...more });
          };
          for (let n = 0; n < warm; n++) add(n % 4, life / 50, { back: 0.001 });
          at += rest * life;
          touched.forEach((to, n) => add(to, 0.01, { refusedElsewhere: refused[n % refused.length] ?? false }));
          at += held * life;
          for (let n = 0; n < burst * count; n++) {
            const asleep = n < 4 && n === suspended ? held * life : 0;
            add(n % 4, n === 0 ? 0 : 0.001, {
              suspended: asleep,
              refusedElsewhere: refused[n % refused.length] ?? false,
            });
          }
        }
        expect(excess(limit, play(limit, 4, asks).passed)).toBeLessThanOrEqual(1e-6);
      }),
      { numRuns: 150 },
    );
  });

  it('let nine tenths of it pass at least, of ten times as many that come at once', () => {
    const given = fc.record({
      limit: limits,
      replicas: fc.integer({ min: 1, max: 4 }),
      spread: fc.integer({ min: 1, max: 900 }),
      delay: fc.nat(20),
      seed: fc.infiniteStream(fc.nat(1_000)),
    });
    fc.assert(
      fc.property(given, ({ limit: { count, seconds }, replicas, spread, delay, seed }) => {
        const limit = limitOf(Math.min(count, 600), seconds);
        const next = (): number => seed.next().value as number;
        const asks = Array.from({ length: 10 * limit.count }, (_, n) => {
          const at = (n * spread) / (10 * limit.count);
          const way = { there: delay, back: delay };
          return { ...way, at, replica: next() % replicas, refusedElsewhere: false, suspended: 0 };
        });
        expect(play(limit, replicas, asks).passed.length).toBeGreaterThanOrEqual(0.9 * limit.count);
      }),
      { numRuns: 20 },
    );
  });

  it('grow with demand, and shrink to it when they lapse', () => {
    const limit = limitOf(60_000, 60);
    const share = new Share(limit);
    const bucket = new Bucket(limit);
    let at = 0;
    const now = (): Moment => ({ monotonic: at, wall: at });
    const ask = (): number => {
      const wanted = share.want(now());
      share.charged(wanted, now(), bucket.charge(at, wanted));
      return wanted;
    };
    const spend = (count: number): void => {
      for (let i = 0; i < count; i++) expect(share.spend(now())).toBeDefined();
    };
    expect(ask()).toBe(1);
    for (const wanted of [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]) {
      at += 10;
      expect(ask()).toBe(wanted);
      spend(wanted - 1);
    }
    at += 10;
    expect(ask()).toBe(600);
    spend(9);
    at += lifeMs(limit);
    expect(share.left(now())).toBe(0);
    expect(ask()).toBe(10);
    at += 100 * lifeMs(limit);
    expect(ask()).toBe(1);
  });

  describe('of one replica', () => {
    const limit = limitOf(6_000, 60);
    const life = lifeMs(limit);
    const at = (monotonic: number, wall = monotonic): Moment => ({ monotonic, wall });
    const granted = (count: number): Charge => {
      return { granted: count, fits: true, remaining: 100, retryMs: 0, resetMs: 1_000 };
    };
    let share: Share;

    beforeEach(() => {
      share = new Share(limit);
      share.charged(share.want(at(0)), at(0), granted(1));
      expect(share.want(at(1))).toBe(2);
    });

    it('lapse by when they were asked for, however late the answer is', () => {
      share.charged(2, at(1), granted(2));
      expect([share.left(at(life)), share.left(at(life + 1))]).toEqual([1, 0]);
      expect(share.spend(at(life + 1))).toBeUndefined();
    });

    it('lapse while the machine is suspended, and its monotonic clock stands still', () => {
      share.charged(2, at(1, 1), granted(2));
      expect([share.left(at(2, life)), share.left(at(2, life + 1))]).toEqual([1, 0]);
      // Nor does it help to set the other clock back.
      expect(share.left(at(life + 1, -1_000_000))).toBe(0);
    });

    it('are not put back when they have lapsed, or lapse as before', () => {
      share.charged(2, at(1), granted(2));
      const first = share.spend(at(2)) as Moment;
      expect(share.want(at(3))).toBe(4);
      share.putBack(first);
      expect(share.left(at(4))).toBe(1);
      share.charged(4, at(3), granted(4));
      expect([share.left(at(life)), share.left(at(life + 1))]).toEqual([4, 0]);
      expect(share.want(at(life + 1))).toBeGreaterThan(0);
      share.charged(1, at(life + 1), granted(3));
      share.putBack(first);
      expect(share.left(at(life + 2))).toBe(2);
    });

    it('are asked for by one request at a time; the others ask for themselves', () => {
      expect([share.want(at(2)), share.want(at(2))]).toEqual([1, 1]);
      share.charged(1, at(2), granted(1));
      expect(share.want(at(3))).toBe(1);
      share.failed(2);
      expect(share.want(at(3))).toBe(4);
    });

    it('are spent first, and then refused by what Redis said, until there is one again', () => {
      share.charged(2, at(1), { granted: 2, fits: true, remaining: 0, retryMs: 10, resetMs: 60_000 });
      expect(share.isSpent(at(2))).toBe(false);
      share.spend(at(2));
      expect([share.isSpent(at(2)), share.remaining(at(2)), share.retryMs(at(2))]).toEqual([true, 0, 9]);
      expect([share.isSpent(at(11)), share.retryMs(at(20)), share.resetMs(at(11))]).toEqual([false, 0, 59_990]);
    });
  });

  it('are none of a limit that is small, or of which nothing may be taken ahead', () => {
    expect(mostAhead(limitOf(199, 60))).toBe(1);
    expect(lifeMs(limitOf(199, 60))).toBe(0);
    expect(mostAhead({ name: 'exact', count: 100_000, seconds: 60 })).toBe(1);
    expect(mostAhead(limitOf(200, 60))).toBe(2);
  });

  it('make a replica that asks for rare users ask for one at a time', () => {
    const limit = limitOf(600, 60);
    const asks = Array.from({ length: 20 }, (_, n) => ({ at: n * 3_000, replica: 0, there: 1, back: 1 }));
    const { calls, passed } = play(
      limit,
      1,
      asks.map((ask) => ({ ...ask, refusedElsewhere: false, suspended: 0 })),
    );
    expect([calls, passed.length]).toEqual([20, 20]);
  });
});
