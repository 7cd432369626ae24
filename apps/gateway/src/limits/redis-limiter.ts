import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import { redisOptions } from '@puerta/messaging';
import { Redis } from 'ioredis';
import type { Claim } from './limits';
import { GIVE_BACK, TAKE } from './limits.script';

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

type Row = [admitted: number, remaining: number, retryMs: number, resetMs: number];

interface Scripted extends Redis {
  puertaTake(count: number, ...keysAndArguments: (string | number)[]): Promise<Row[]>;
  puertaGiveBack(key: string, count: number, window: number): Promise<null>;
}

/**
 * The limits of all replicas together, in Redis. All claims of a request are judged by one script, hence all or none
 * is charged. The keys share a hash slot, as Redis Cluster wants of one script.
 */
export class RedisLimiter implements OnModuleInit, OnModuleDestroy {
  readonly #redis: Scripted;
  readonly #prefix: string;

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
   * Charges all claims, or none if one of them is not admitted.
   *
   * @throws DomainError `service_unavailable` when Redis does not answer.
   */
  async take(claims: readonly Claim[]): Promise<Verdict[]> {
    const keys = claims.map(({ key }) => this.#prefix + key);
    const limits = claims.flatMap(({ limit }) => [limit.count, limit.seconds * 1_000]);
    const rows = await this.#redis.puertaTake(keys.length, ...keys, ...limits).catch((cause: unknown) => {
      throw new DomainError('service_unavailable', { cause });
    });
    return claims.map((claim, index) => {
      const [admitted, remaining, retryMs, resetMs] = rows[index] ?? [0, 0, 0, 0];
      return {
        claim,
        admitted: admitted === 1,
        remaining,
        retryAfter: admitted === 1 ? 0 : Math.max(1, Math.ceil(retryMs / 1_000)),
        reset: Math.ceil(resetMs / 1_000),
      };
    });
  }

  /** Undoes one charge. While Redis does not answer the charge stays, and wears off like any other. */
  async giveBack({ key, limit }: Claim): Promise<void> {
    await this.#redis.puertaGiveBack(this.#prefix + key, limit.count, limit.seconds * 1_000).catch(() => undefined);
  }
}
