import type { Limit } from '../routes/route-options';

/**
 * A share of what a limit has room for: a replica wants no more of it ahead. Below two of those there are no shares, and each
 * request asks Redis.
 */
const SHARE = 1 / 100;
/** For this part of the time of a limit a share may be spent, */
const LIFE = 1 / 30;
/** and for no longer than this: what a replica has taken and does not need is lost to the others for so long. */
const MOST_LIFE_MS = 2_000;

/** A point in time by two clocks: the monotonic one stands still while a machine is suspended, and the other one can be set. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

const NEVER: Moment = { monotonic: -Infinity, wall: -Infinity };

/** What Redis says of one claim, with times in milliseconds from when it was asked. */
export interface Charge {
  /** How many were charged. */
  readonly granted: number;
  /** Whether there was one at least; nothing is charged unless each claim of a request has one. */
  readonly fits: boolean;
  /** How many more are there, */
  readonly remaining: number;
  /** when there will be one more, */
  readonly retryMs: number;
  /** and when all. */
  readonly resetMs: number;
}

export function momentNow(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** How many units a replica may want at once of a limit; 1: none ahead. */
export function mostAhead({ count, shared }: Limit): number {
  return shared ? Math.max(1, Math.floor(count * SHARE)) : 1;
}

/**
 * For how long what was charged may be spent; 0 where nothing is taken ahead. Redis' bucket is smaller by what comes back in
 * that time: what passes between a and b was charged between a - life and b, which is at most
 * (count - life * rate) + (b - a + life) * rate = count + (b - a) * rate.
 */
export function lifeMs(limit: Limit): number {
  return mostAhead(limit) > 1 ? Math.min(limit.seconds * 1_000 * LIFE, MOST_LIFE_MS) : 0;
}

/** What this replica holds of one limit for one subject, and what it remembers of Redis' last answer. */
export class Share {
  #left = 0;
  /** Until when it may be spent. Another object for each time it was charged. */
  #lapses = NEVER;
  #charged = 0;
  #wanted = 1;
  /** More than is needed has been asked for, and no answer has come yet: who comes in between asks for one. */
  #asking = false;
  #spentUntil = NEVER;
  #remaining = 0;
  #resetAt = -Infinity;
  readonly #most: number;
  readonly #lifeMs: number;

  constructor(limit: Limit) {
    this.#most = mostAhead(limit);
    this.#lifeMs = lifeMs(limit);
  }

  /** How many requests may pass without asking. */
  left(now: Moment): number {
    return isBefore(now, this.#lapses) ? this.#left : 0;
  }

  /** Whether nothing is left, here or in Redis, so that asking would be in vain. */
  isSpent(now: Moment): boolean {
    return this.left(now) === 0 && isBefore(now, this.#spentUntil);
  }

  /** Lets one request pass. @returns undefined where nothing is left, else what `putBack` wants */
  spend(now: Moment): Moment | undefined {
    if (this.left(now) === 0) return undefined;
    this.#left -= 1;
    return this.#lapses;
  }

  /** The request did not pass. What has lapsed since is lost. */
  putBack(spent: Moment): void {
    if (spent === this.#lapses) this.#left += 1;
  }

  /**
   * How many Redis is to be asked for: twice as many where the last were spent before they lapsed, else as many as
   * were. Each call is followed by `charged` or `failed`.
   */
  want(now: Moment): number {
    if (this.#most === 1 || this.#asking) return 1;
    if (this.#left > 0) this.#wanted = Math.max(1, this.#charged - this.#left);
    else if (isBefore(now, this.#lapses)) this.#wanted = Math.min(this.#most, 2 * this.#wanted);
    this.#left = 0;
    this.#asking = this.#wanted > 1;
    return this.#wanted;
  }

  /**
   * Redis has answered; of what it granted, one is for the request that asked.
   * @param asked from before it was asked: so what is charged lapses no later than its life after it was
   */
  charged(wanted: number, asked: Moment, { granted, remaining, retryMs, resetMs }: Charge): void {
    if (wanted > 1) this.#asking = false;
    if (granted > 0) {
      // What was put back in the meantime lapses first.
      if (this.left(asked) === 0) this.#lapses = after(asked, this.#lifeMs);
      this.#left = this.left(asked) + granted - 1;
      this.#charged = this.#left + 1;
    }
    this.#remaining = remaining;
    this.#spentUntil = remaining > 0 ? NEVER : after(asked, retryMs);
    this.#resetAt = asked.monotonic + resetMs;
  }

  /** Redis has not answered. */
  failed(wanted: number): void {
    if (wanted > 1) this.#asking = false;
  }

  /** How many more are admitted, of what is known here. */
  remaining(now: Moment): number {
    return this.left(now) + this.#remaining;
  }

  /** Milliseconds until one more is admitted, where it is spent. */
  retryMs(now: Moment): number {
    return Math.max(0, this.#spentUntil.monotonic - now.monotonic);
  }

  /** Milliseconds until the whole limit is there again. */
  resetMs(now: Moment): number {
    return Math.max(0, this.#resetAt - now.monotonic);
  }
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.monotonic < other.monotonic && one.wall < other.wall;
}

function after({ monotonic, wall }: Moment, ms: number): Moment {
  return { monotonic: monotonic + ms, wall: wall + ms };
}
