/** The clocks of two machines drift apart by less than a millisecond in so long. */
const STALE_MS = 5_000;

/** More than the two clocks of this machine drift apart between two answers of Redis. */
const SUSPENDED_MS = 50;

/**
 * Redis' clock, read without asking: an offset to this process' monotonic clock, measured now and then. The one clock by
 * which all processes judge the age of a message; their own wall clocks are never compared.
 */
export class RedisClock {
  private offset: number | undefined;
  private error = Infinity;
  private syncedAt = 0;
  private wallLead = wallLead();

  /**
   * @param redisMs what Redis said
   * @param asked when it was asked and
   * @param answered when the answer came, by `performance.now()`
   */
  sync(redisMs: number, asked: number, answered: number): void {
    const error = (answered - asked) / 2;
    // A slow answer says little; it is taken only when what is known has grown old (1 % of its age).
    if (error > this.error + (answered - this.syncedAt) / 100) return;
    this.offset = redisMs - (asked + answered) / 2;
    this.error = error;
    this.syncedAt = answered;
  }

  /**
   * Learns from an answer, and not from one that was on its way while this machine was suspended.
   * @param ask gives Redis' time in ms, or NaN
   */
  async measure(ask: () => Promise<number>): Promise<void> {
    const asked = performance.now();
    const lead = wallLead();
    const redisMs = await ask();
    if (drifted(lead) || Number.isNaN(redisMs)) return;
    if (this.suspended) this.distrust();
    this.sync(redisMs, asked, performance.now());
    this.wallLead = lead;
  }

  /**
   * Whether this machine may have been suspended since Redis was last heard: then the monotonic clock stood still, and
   * this one is behind. A wall clock that was set looks the same.
   */
  get suspended(): boolean {
    return drifted(this.wallLead);
  }

  /** Whether it should be measured again: it was not for a while, or this machine was suspended. */
  get stale(): boolean {
    return this.suspended || performance.now() - this.syncedAt > STALE_MS;
  }

  /** Redis' time in ms. NaN, which no comparison holds for, before the first `sync`. */
  now(): number {
    return performance.now() + (this.offset ?? NaN);
  }

  /** Not before Redis' time: no sooner than this can it be, however uneven the way of the last answer was. */
  earliest(): number {
    return this.now() - this.error;
  }

  /** Not after Redis' time. */
  latest(): number {
    return this.now() + this.error;
  }

  /** Another Redis may have taken over, with a clock of its own: the next `sync` counts, however slow its answer. */
  distrust(): void {
    this.error = Infinity;
  }
}

/** By how much the wall clock is ahead of the monotonic one. */
function wallLead(): number {
  return Date.now() - performance.now();
}

function drifted(since: number): boolean {
  return Math.abs(wallLead() - since) > SUSPENDED_MS;
}
