import { setTimeout as sleep } from 'node:timers/promises';
import type { Events, EventType } from '@puerta/contracts/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { onCommit } from './transaction';

/** An event as it waits. */
export interface WaitingEvent<T extends EventType = EventType> {
  readonly seq: string;
  readonly type: T;
  readonly data: Events[T];
}

export interface RelayOptions<T extends EventType> {
  /** Which events it takes care of. */
  readonly types: readonly T[];
  /**
   * Hands events on, in their order. They are deleted afterwards: what is not given back was not taken, and is tried
   * again later. It may reject, and must settle within seconds: the rows are locked meanwhile.
   */
  readonly deliver: (events: readonly WaitingEvent<T>[]) => Promise<readonly WaitingEvent<T>[]>;
  /** Whether there is any use in trying now. */
  readonly ready: () => boolean;
  /** After each look at the outbox. */
  readonly looked?: (holds: () => Promise<boolean>) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

const BATCH = 100;
const POLL_MS = 100;
const RETRY_MS = 250;
/** What one event does not get across is tried again after so long, so that it does not stand in the way of others. */
const POSTPONE_SECONDS = 5;
/** An event that is older than this is late: whoever says that everything is told may not say so. */
const LATE_MS = 100;

/**
 * Hands the events of the outbox on, at least once each. Every replica has one; rows that another one is at are passed
 * over. A row stays locked while it is handed on and is deleted in the same transaction: when the process dies, its
 * connection dies with it, PostgreSQL lets go of the row at once, and another replica takes it.
 *
 * This is the one place where a transaction waits for the network. It locks nothing but rows that only relays touch. Its
 * connection is its own, for as long as it lasts: a pool that is used up must not delay what others wait to hear.
 */
export class OutboxRelay<T extends EventType = EventType> {
  private runner: QueryRunner | undefined;
  private loop: Promise<void> = Promise.resolve();
  private stopping = false;
  private poked = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: RelayOptions<T>,
  ) {}

  start(): void {
    onCommit(this.dataSource, () => this.poke());
    this.loop = this.run();
  }

  /** Looks at once. */
  poke(): void {
    this.poked = true;
    this.wake();
  }

  /** Hands on what is there, and no more after that. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.loop;
    await this.look().catch(() => undefined);
    await this.release();
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.poked = false;
      const looked = this.options.ready() && (await this.look().then(() => true, (error: unknown) => this.failed(error)));
      if (!this.poked) await this.pause(looked ? POLL_MS : RETRY_MS);
    }
  }

  private async look(): Promise<void> {
    while (await this.waits()) if (!(await this.deliverBatch())) break;
    await this.options.looked?.(() => this.isAllPublished());
  }

  private async failed(error: unknown): Promise<false> {
    this.options.onError(error);
    await this.release();
    return false;
  }

  private async waits(): Promise<boolean> {
    const [{ waits }] = (await (await this.connection()).query(
      'SELECT EXISTS (SELECT FROM outbox WHERE type = ANY($1) AND due_at <= clock_timestamp()) AS waits',
      [this.options.types],
    )) as [{ waits: boolean }];
    return waits;
  }

  /** Also of what others are at: they may be dead and not know it. A row that was committed late is late at once. */
  private async isAllPublished(): Promise<boolean> {
    const [{ late }] = (await (await this.connection()).query(
      `SELECT EXISTS (SELECT FROM outbox WHERE type = ANY($1)
                         AND created_at < clock_timestamp() - $2 * interval '1 millisecond') AS late`,
      [this.options.types, LATE_MS],
    )) as [{ late: boolean }];
    return !late;
  }

  /** @returns whether there may be more */
  private async deliverBatch(): Promise<boolean> {
    const runner = await this.connection();
    await runner.startTransaction();
    try {
      const events = (await runner.query(
        `SELECT seq, type, data FROM outbox WHERE type = ANY($1) AND due_at <= clock_timestamp()
          ORDER BY seq LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`,
        [this.options.types],
      )) as WaitingEvent<T>[];
      if (events.length > 0) await this.settle(runner, events, await this.options.deliver(events));
      await runner.commitTransaction();
      return events.length === BATCH;
    } catch (error) {
      await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  private async settle(
    runner: QueryRunner,
    events: readonly WaitingEvent<T>[],
    taken: readonly WaitingEvent<T>[],
  ): Promise<void> {
    const done = new Set(taken.map(({ seq }) => seq));
    await runner.query('DELETE FROM outbox WHERE seq = ANY($1)', [[...done]]);
    const left = events.filter(({ seq }) => !done.has(seq)).map(({ seq }) => seq);
    if (left.length === 0) return;
    const due = `due_at = clock_timestamp() + ${POSTPONE_SECONDS} * interval '1 second'`;
    await runner.query(`UPDATE outbox SET ${due} WHERE seq = ANY($1)`, [left]);
  }

  private async connection(): Promise<QueryRunner> {
    if (this.runner?.isReleased !== false) {
      this.runner = this.dataSource.createQueryRunner();
      await this.runner.connect();
    }
    return this.runner;
  }

  private async release(): Promise<void> {
    await this.runner?.release().catch(() => undefined);
    this.runner = undefined;
  }

  private async pause(ms: number): Promise<void> {
    const sleeping = new AbortController();
    this.wake = () => sleeping.abort();
    if (this.stopping) return;
    await sleep(ms, undefined, { signal: sleeping.signal }).catch(() => undefined);
    this.wake = () => undefined;
  }
}
