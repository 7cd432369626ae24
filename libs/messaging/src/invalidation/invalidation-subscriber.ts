import { type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ANSWER_MS, Connection } from '../connection/connection';
import { Keys, requireName } from '../wire/keys';
import { type BusLogger } from '../options';
import { HEARTBEAT } from './invalidation-scripts';
import { type InvalidationOptions } from './invalidation-publisher';
import { parseJson } from '../wire/message';

/**
 * Heartbeats come every 750 ms (`HEARTBEAT_MS`). So long after the time that the last one names, a reader must assume that
 * it does not hear of changes: so no change is older than this when copies are used for the last time.
 */
export const SILENCE_MS = 940;
/** Redis' clock may be read a little late, but a heartbeat is never from the future, unless that clock was put back. */
const FUTURE_MS = 20;

const BLOCK_MS = 2_000;
const MOST_AT_ONCE = 1_000;
const RETRY_MS = 250;

type RawEntry = [id: string, fields: string[]];

export interface InvalidationSubscriberOptions extends InvalidationOptions {
  /** Who reads. */
  readonly reader: string;
}

export interface InvalidationListener {
  /** Something has changed. */
  event(type: string, data: Readonly<Record<string, unknown>>): void;
  /** Perhaps something has changed of which nothing was heard: whatever is kept may be wrong. */
  lost(): void;
}

/**
 * Reads the invalidation stream of a service. `fresh` says whether all of them are known that are older than a second;
 * while it is false nothing that was kept may be used. Both are judged by Redis' clock, and without asking anybody: a
 * Redis that is frozen looks connected, and time goes by all the same.
 */
export class InvalidationSubscriber implements OnModuleInit, OnApplicationShutdown {
  private readonly connection: Connection;
  private readonly listeners: InvalidationListener[] = [];
  private readonly log: BusLogger;
  private readonly key: string;
  /** The entry that was read last; the next one must name it. */
  private position = '0-0';
  /** The time, by Redis' clock, until which everything was published before the last heartbeat. NaN: there was none since something was lost. */
  private lastHeartbeat = NaN;
  private epoch = 0;
  private loop: Promise<void> | undefined;
  private closed = false;

  constructor({ redis, prefix, service, reader, logger, onEvent }: InvalidationSubscriberOptions) {
    this.key = new Keys(prefix).invalidations(requireName(service));
    this.log = logger;
    this.connection = new Connection({
      ...{ redis, slotKey: this.key, name: `${reader}:invalidations:${service}`, logger, onEvent },
      onState: () => (this.lastHeartbeat = NaN),
    });
    this.connection.beforeUse(() => this.begin());
  }

  /** Whether what was kept may be used: all changes are known that were made more than a second ago. */
  get fresh(): boolean {
    const { clock } = this.connection;
    if (clock.suspended) return false;
    const age = clock.latest() - this.lastHeartbeat;
    return age > -FUTURE_MS && age < SILENCE_MS;
  }

  listen(listener: InvalidationListener): void {
    this.listeners.push(listener);
  }

  /** Starts reading, and goes on through all outages. */
  connect(): void {
    this.connection.connect();
    this.loop ??= this.readOn();
  }

  /** An application starts without the stream, too: then nothing is cached until it is read. */
  onModuleInit(): void {
    this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.lastHeartbeat = NaN;
    this.connection.close();
    await this.loop;
  }

  /** From here on: what was told before does not matter to who keeps nothing. */
  private async begin(): Promise<void> {
    this.epoch += 1;
    await this.connection.syncClock();
    const [newest] = (await this.connection.redis.xrevrange(this.key, '+', '-', 'COUNT', 1)) as RawEntry[];
    this.position = newest?.[0] ?? '0-0';
    this.lost();
  }

  private async readOn(): Promise<void> {
    while (!this.closed) {
      if (!(await this.connection.whenReady(BLOCK_MS))) continue;
      try {
        await this.read();
      } catch (error) {
        this.lastHeartbeat = NaN;
        if (this.connection.ready) this.log.warn('the invalidation stream could not be read', { err: error });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async read(): Promise<void> {
    const { epoch } = this;
    const { clock, redis } = this.connection;
    // Both are written together; the clock's answer does not wait for the other.
    const synced = clock.stale ? this.connection.syncClock() : undefined;
    const read = redis.xread('COUNT', MOST_AT_ONCE, 'BLOCK', BLOCK_MS, 'STREAMS', this.key, this.position);
    const [streams] = await Promise.all([this.connection.within(BLOCK_MS + ANSWER_MS, read), synced]);
    // Answered by a connection that is no more: the next one begins where it stands.
    if (epoch !== this.epoch) return;
    for (const [, entries] of streams ?? []) for (const entry of entries) this.take(entry);
  }

  private take([id, [, prev, , type = '', , data = '']]: RawEntry): void {
    if (prev !== this.position) {
      this.log.warn('entries of the invalidation stream are missing', { entry: id });
      this.lost();
    }
    this.position = id;
    if (type === HEARTBEAT) this.heartbeat(Number(data));
    else this.notify(type, data);
  }

  private heartbeat(at: number): void {
    // Nobody watched over what was committed in between.
    if (at - this.lastHeartbeat > SILENCE_MS) this.lost();
    this.lastHeartbeat = at;
  }

  private notify(type: string, text: string): void {
    const data = parseJson(text);
    // Whoever wrote what is no object meant to say something.
    if (typeof data !== 'object' || data === null) return this.lost();
    for (const listener of this.listeners) listener.event(type, data as Record<string, unknown>);
  }

  private lost(): void {
    this.lastHeartbeat = NaN;
    for (const listener of this.listeners) listener.lost();
  }
}
