import { createHash } from 'node:crypto';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import { Connection, parseRedisUrl, type Script, wasNotRun } from '@puerta/messaging';
import type { Logger } from '@puerta/observability';
import { settingsProblems } from './redis-settings';
import type { Owner } from './token-key';

/** Of a Cluster, tokens are on all nodes: owners are spread over so many hash tags, each with a connection to its node. */
const SHARDS = 16;

/** One that lives answers in a millisecond. With the wait for a connection, a caller has its answer within a second and a half. */
const ANSWER_MS = 700;
/** How long a call waits for a connection that is just coming, or coming back. */
const PATIENCE_MS = 700;
/** After so long without a word from Redis it is asked whether it is there, before it is asked to change anything. */
const SILENCE_MS = 100;
const BOOT_MS = 2_000;

export interface TokenRedisOptions {
  readonly url: string;
  /** Begins every key. */
  readonly prefix: string;
  readonly logger: Logger;
}

/** What a script says: a word, Redis' time, and more. */
export type Reply = readonly [word: string, now: number, ...rest: (string | number)[]];

/** The Redis in which the tokens are, of whichever kind. */
export class TokenRedis implements OnModuleInit, OnModuleDestroy {
  readonly #prefix: string;
  readonly #connections: readonly TokenConnection[];

  constructor({ url, prefix, logger }: TokenRedisOptions) {
    this.#prefix = `${prefix}:tokens`;
    const count = parseRedisUrl(url).kind === 'cluster' ? SHARDS : 1;
    const warned = new Set<string>();
    const complain = (problem: string): void => {
      if (!warned.has(problem)) logger.warn(`the Redis of the single-use tokens ${problem}`, { component: 'tokens' });
      warned.add(problem);
    };
    this.#connections = Array.from(
      { length: count },
      (_, shard) => new TokenConnection({ url, slotKey: `${this.#prefix}:{${shard}}`, logger, complain }),
    );
  }

  /** Resolves when connected, or after a while without: then calls are refused until it is there. */
  async onModuleInit(): Promise<void> {
    await Promise.all(this.#connections.map((one) => one.connect()));
  }

  onModuleDestroy(): void {
    for (const one of this.#connections) one.close();
  }

  /** Whether all of it answers. */
  async isReachable(): Promise<boolean> {
    const answers = await Promise.allSettled(this.#connections.map((one) => one.now()));
    return answers.every(({ status }) => status === 'fulfilled');
  }

  /**
   * Runs a script, once. All keys of an owner's tokens are in one hash slot.
   * @param prepare gets Redis' time in ms; called twice if that was wrong
   * @throws DomainError `service_unavailable` or `overloaded` if it surely was not run, else `outcome_unknown`
   */
  async ask<Q extends Question>(
    { space, id }: Owner,
    script: Script,
    prepare: (now: number) => Q,
  ): Promise<{ readonly reply: Reply; readonly question: Q }> {
    const shard =
      createHash('sha256')
        .update(JSON.stringify([space, id]))
        .digest()
        .readUInt16BE() % SHARDS;
    const connection = this.#connections[shard % this.#connections.length] as TokenConnection;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const now = await connection.now();
      const question = prepare(now);
      const keys = question.names.map((name) => `${this.#prefix}:{${shard}}:${name}`);
      const reply = await connection.run(script, keys, [now, ...question.args]);
      if (reply[0] !== 'skewed') return { reply, question };
    }
    throw new DomainError('service_unavailable');
  }
}

/** What a script is asked. */
export interface Question {
  /** Names of keys, without the prefix. */
  readonly names: readonly string[];
  readonly args: readonly (string | number)[];
}

interface TokenConnectionOptions {
  readonly url: string;
  readonly slotKey: string;
  readonly logger: Logger;
  /** Called with what is wrong with the settings of Redis, each time it connects. */
  readonly complain: (problem: string) => void;
}

/** A connection, and the clock of the Redis at its end. What it throws says whether anything happened. */
class TokenConnection {
  readonly #connection: Connection;
  #answeredAt = -Infinity;
  #probe: Promise<void> | undefined;

  constructor({ url, slotKey, logger, complain }: TokenConnectionOptions) {
    this.#connection = new Connection({
      redis: url,
      slotKey,
      name: 'token-service:tokens',
      logger: {
        info: (message) => logger.debug(message, { component: 'tokens' }),
        warn: (message, facts) => logger.warn(message, { component: 'tokens', ...(facts as { reason?: string }) }),
        error: (message) => logger.error(message, { component: 'tokens' }),
      },
    });
    this.#connection.beforeUse(async () => {
      const [, info] = await Promise.all([this.#sync(), this.#connection.redis.info()]);
      settingsProblems(info).forEach(complain);
    });
  }

  async connect(): Promise<void> {
    this.#connection.connect();
    await this.#connection.whenReady(BOOT_MS);
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Redis' time in ms, once it is known that Redis is there.
   * @throws DomainError `service_unavailable`
   */
  async now(): Promise<number> {
    const patience = PATIENCE_MS - this.#connection.downFor;
    const there = this.#connection.ready || (patience > 0 && (await this.#connection.whenReady(patience)));
    if (!there) throw new DomainError('service_unavailable');
    if (performance.now() - this.#answeredAt > SILENCE_MS) await this.#requireAnswer();
    return Math.round(this.#connection.clock.now());
  }

  /** @throws DomainError as `TokenRedis.ask` */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    const { clock } = this.#connection;
    const asked = performance.now();
    try {
      const reply = (await this.#connection.ask(script, keys, args, ANSWER_MS)) as Reply;
      this.#answeredAt = performance.now();
      if (reply[0] === 'skewed') clock.distrust();
      clock.sync(reply[1], asked, this.#answeredAt);
      return reply;
    } catch (cause) {
      if (cause instanceof Error && cause.message.includes('OOM command not allowed'))
        throw new DomainError('overloaded', { cause });
      throw new DomainError(wasNotRun(cause) ? 'service_unavailable' : 'outcome_unknown', { cause });
    }
  }

  /** Asked once, however many wait for it. */
  async #requireAnswer(): Promise<void> {
    this.#probe ??= this.#sync().finally(() => (this.#probe = undefined));
    await this.#probe.catch((cause: unknown) => {
      throw new DomainError('service_unavailable', { cause });
    });
  }

  async #sync(): Promise<void> {
    await this.#connection.syncClock(ANSWER_MS);
    this.#answeredAt = performance.now();
  }
}
