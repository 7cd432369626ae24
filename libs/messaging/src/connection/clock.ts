/**
 * Redis' clock, read without asking: an offset to this process' monotonic clock, measured now and then. The one clock by
 * which all processes judge the age of a message; their own wall clocks are never compared.
 */
export class RedisClock {
  private offset: number | undefined;
  private error = Infinity;
  private syncedAt = 0;

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
