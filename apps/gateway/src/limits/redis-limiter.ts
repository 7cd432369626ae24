import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import { redisOptions } from '@puerta/messaging';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { type Claim, keyOf } from './limits';
import { GIVE_BACK, TAKE } from './limits.script';
import { type Charge, lifeMs, type Moment, momentNow, Share } from './share';

/** Of whom this replica holds a share, or knows that it is spent; who was not seen for longest is forgotten first. */
const MOST_SHARES = 50_000;

/** What became of one claim. */
export interface Verdict {
  readonly claim: Claim;
  readonly admitted: boolean;
  /** How many more are admitted now. */
  readonly remaining: number;
  /** Seconds, rounded up, until this claim is admitted; 0 if it was. */
  readonly retryAfter: number;
  /** Seconds, rounded up, until the whole limit is there again. */
  readonly reset: number;
}

type Row = [granted: number, fits: number, remaining: number, retryMs: number, resetMs: number];

interface Scripted extends Redis {
  puertaTake(count: number, ...keysAndArguments: (string | number)[]): Promise<Row[]>;
  puertaGiveBack(key: string, count: number, window: number): Promise<null>;
}

/** One claim of a request that Redis is asked about. */
interface Wanted {
  readonly claim: Claim;
  /** Undefined for a limit of which nothing is taken ahead or remembered. */
  readonly share: Share | undefined;
  readonly count: number;
  /** What was spent of the share, so that Redis need not be asked about this claim. */
  readonly spent: Moment | undefined;
}

/**
 * The limits of all replicas together, in Redis. All claims of a request are judged by one script, hence all or none
 * is charged. The keys share a hash slot, as Redis Cluster wants of one script.
 *
 * Of a limit that is `shared` this replica takes a share ahead, and remembers until when it is spent, so that most requests
 * need not wait for Redis. Other limits are counted one by one: they may be given back, by any replica.
 */
export class RedisLimiter implements OnModuleInit, OnModuleDestroy {
  readonly #redis: Scripted;
  readonly #prefix: string;
  readonly #shares = new LRUCache<string, Share>({ max: MOST_SHARES });

  constructor(url: string, prefix: string) {
    this.#prefix = `${prefix}:{limits}:`;
    this.#redis = new Redis({
      ...redisOptions(url, this.#prefix),
      lazyConnect: true,
      connectionName: 'puerta-gateway-limits',
      connectTimeout: 1_000,
      // A request that cannot be counted is refused, and soon: nobody waits for a Redis that is away or frozen.
      commandTimeout: 500,
      // A connection that was cut without a word (a node that died) looks open for a quarter of an hour.
      socketTimeout: 2_000,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    }) as Scripted;
    this.#redis.defineCommand('puertaTake', { lua: TAKE });
    this.#redis.defineCommand('puertaGiveBack', { lua: GIVE_BACK, numberOfKeys: 1 });
    // Reconnection goes on by itself; readiness and the answers tell.
    this.#redis.on('error', () => undefined);
  }

  async onModuleInit(): Promise<void> {
    await this.#redis.connect().catch(() => undefined);
  }

  onModuleDestroy(): void {
    this.#redis.disconnect();
  }

  /** True if Redis answers. */
  async isReachable(): Promise<boolean> {
    return this.#redis.ping().then(
      () => true,
      () => false,
    );
  }

  /**
   * Charges all claims, or none if one of them is not admitted, by what this replica holds and knows.
   *
   * @returns undefined where Redis must be asked; of a request that is refused, what is known of its claims
   */
  takeNow(claims: readonly Claim[]): Verdict[] | undefined {
    const now = momentNow();
    const spent = this.#spent(claims, now);
    if (spent) return spent;
    for (const one of claims) if (!this.#shares.get(one.subject)?.left(now)) return undefined;
    return claims.map((one) => {
      const share = this.#shares.get(one.subject);
      share?.spend(now);
      return verdictOf(one, share, now, true);
    });
  }

  /** What is known of the claims, if one of them is known to be spent; nothing is charged. */
  spent(claims: readonly Claim[]): Verdict[] | undefined {
    return this.#spent(claims, momentNow());
  }

  /**
   * Charges all claims, or none if one of them is not admitted. It asks Redis once at most.
   *
   * @throws DomainError `service_unavailable` when Redis does not answer.
   */
  async take(claims: readonly Claim[]): Promise<Verdict[]> {
    return this.takeNow(claims) ?? this.#ask(claims);
  }

  async #ask(claims: readonly Claim[]): Promise<Verdict[]> {
    const asked = momentNow();
    const all = claims.map((one) => this.#wanted(one, asked));
    const missing = all.filter(({ spent }) => !spent);
    const charges = await this.#charge(missing).catch((cause: unknown) => {
      for (const { share, count, spent } of all) {
        if (spent) share?.putBack(spent);
        else share?.failed(count);
      }
      throw new DomainError('service_unavailable', { cause });
    });
    missing.forEach(({ share, count }, i) => share?.charged(count, asked, charges[i] as Charge));
    const admitted = charges.every(({ fits }) => fits);
    if (!admitted) for (const { share, spent } of all) if (spent) share?.putBack(spent);
    const now = momentNow();
    const answers = charges.values();
    return all.map(({ claim: one, share, spent }) =>
      spent ? verdictOf(one, share, now, true) : verdictOfCharge(one, answers.next().value as Charge),
    );
  }

  async #charge(wanted: readonly Wanted[]): Promise<Charge[]> {
    const keys = wanted.map(({ claim: one }) => this.#prefix + keyOf(one));
    const numbers = wanted.flatMap(({ claim: { limit }, count }) => [
      limit.count,
      limit.seconds * 1_000,
      lifeMs(limit),
      count,
    ]);
    const rows = await this.#redis.puertaTake(keys.length, ...keys, ...numbers);
    return rows.map(([granted, fits, remaining, retryMs, resetMs]) => {
      return { granted, fits: fits === 1, remaining, retryMs, resetMs };
    });
  }

  /** Undoes one charge. While Redis does not answer the charge stays, and wears off like any other. */
  async giveBack(one: Claim): Promise<void> {
    const { count, seconds } = one.limit;
    await this.#redis.puertaGiveBack(this.#prefix + keyOf(one), count, seconds * 1_000).catch(() => undefined);
  }

  #spent(claims: readonly Claim[], now: Moment): Verdict[] | undefined {
    if (!claims.some((one) => this.#shares.get(one.subject)?.isSpent(now))) return undefined;
    return claims.flatMap((one) => {
      const share = this.#shares.get(one.subject);
      return share ? [verdictOf(one, share, now, !share.isSpent(now))] : [];
    });
  }

  #wanted(one: Claim, now: Moment): Wanted {
    if (!one.limit.shared) return { claim: one, share: undefined, count: 1, spent: undefined };
    const share = this.#shares.get(one.subject) ?? new Share(one.limit);
    this.#shares.set(one.subject, share);
    const spent = share.spend(now);
    return { claim: one, share, count: spent ? 0 : share.want(now), spent };
  }
}

function verdictOf(one: Claim, share: Share | undefined, now: Moment, admitted: boolean): Verdict {
  return {
    claim: one,
    admitted,
    remaining: share?.remaining(now) ?? 0,
    retryAfter: admitted ? 0 : atLeastOne(share?.retryMs(now) ?? 0),
    // One was spent just now.
    reset: atLeastOne(share?.resetMs(now) ?? 0),
  };
}

function verdictOfCharge(one: Claim, { granted, fits, remaining, retryMs, resetMs }: Charge): Verdict {
  return {
    claim: one,
    admitted: fits,
    // What was taken ahead is there for the next ones.
    remaining: remaining + Math.max(0, granted - 1),
    retryAfter: fits ? 0 : atLeastOne(retryMs),
    reset: Math.ceil(resetMs / 1_000),
  };
}

function atLeastOne(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
