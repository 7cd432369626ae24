import type { EventEmitter } from 'node:events';
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
  /** How often it looks by itself for what it was not notified of: by others, or by replicas that died. */
  readonly pollMs: number;
  /**
   * In place of looking alone.
   * @param look hands on what waits, and gives the age in ms of the oldest event that is still there; 0 if there is none
   * @param poked whether there is something to hand on
   * @returns whether all is well; else it is called again soon
   */
  readonly round?: (look: () => Promise<number>, poked: boolean) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

const BATCH = 100;
const RETRY_MS = 250;
/** What one event does not get across is tried again after so long, so that it does not stand in the way of others. */
const POSTPONE_SECONDS = 5;

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
  /** The runner's connection, once there is one. */
  private client: EventEmitter | undefined;
  private loop: Promise<void> = Promise.resolve();
  private stopping = false;
  private poked = false;
  private readonly onNotification = (): void => this.poke();
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
    const { pollMs, ready, round = () => this.look().then((behind) => behind === 0) } = this.options;
    while (!this.stopping) {
      const { poked } = this;
      this.poked = false;
      const well = ready() && (await round(() => this.look(), poked).catch((error: unknown) => this.failed(error)));
      if (!this.poked) await this.pause(well ? pollMs : Math.min(pollMs, RETRY_MS));
    }
  }

  private async look(): Promise<number> {
    for (let more = true; ; more = await this.deliverBatch()) {
      const { waits, behind } = await this.state();
      if (!waits || !more) return behind;
    }
  }

  private async failed(error: unknown): Promise<false> {
    this.options.onError(error);
    await this.release();
    return false;
  }

  /** Also of what others are at: they may be dead and not know it. A row that was committed late is old at once. */
  private async state(): Promise<{ waits: boolean; behind: number }> {
    const [state] = (await (
      await this.connection()
    ).query(
      `SELECT coalesce(bool_or(due_at <= clock_timestamp()), false) AS waits,
              coalesce(extract(epoch FROM clock_timestamp() - min(created_at)) * 1000, 0)::float8 AS behind
         FROM outbox WHERE type = ANY($1)`,
      [this.options.types],
    )) as [{ waits: boolean; behind: number }];
    return state;
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
      this.client = (await this.runner.connect()) as EventEmitter;
      this.client.on('notification', this.onNotification);
      await this.runner.query(`LISTEN "${(this.dataSource.options as { schema?: string }).schema}.outbox"`);
      // What was committed before is found by the look that wants this connection.
    }
    return this.runner;
  }

  /** The connection goes back to the pool as it came. */
  private async release(): Promise<void> {
    this.client?.off('notification', this.onNotification);
    if (this.client && this.runner?.isReleased === false) await this.runner.query('UNLISTEN *').catch(() => undefined);
    await this.runner?.release().catch(() => undefined);
    this.runner = this.client = undefined;
  }

  private async pause(ms: number): Promise<void> {
    const sleeping = new AbortController();
    this.wake = () => sleeping.abort();
    if (this.stopping) return;
    await sleep(ms, undefined, { signal: sleeping.signal }).catch(() => undefined);
    this.wake = () => undefined;
  }
}
