import { ANSWER_MS, Connection } from '../connection/connection';
import { type BusClientOptions } from '../options';
import { PRESENCE_MS } from '../wire/keys';

/** How often Redis is asked for a sign of life: while calls are made, and for a while after, */
export const PULSE_MS = 500;
const BUSY_MS = 5_000;
/** and else. The first call after a pause asks at once. */
const IDLE_PULSE_MS = 5_000;

/** How long a call waits for a connection that is just coming back. */
const PATIENCE_MS = 1_000;

export interface CallerConnectionOptions extends Pick<BusClientOptions, 'redis' | 'service' | 'logger' | 'onEvent'> {
  /** On a Cluster, the sorted set of the replicas at the other end; undefined elsewhere. */
  readonly slotKey: string | undefined;
  /** Where the replies are heard. */
  readonly channel: string;
  readonly onReply: (text: string) => void;
}

/**
 * A caller's way to callees: a connection for commands, and one that hears replies.
 * There is one for all callees or, on a Cluster, one for each: where one node is away, calls elsewhere do not notice.
 */
export class CallerConnection {
  readonly commands: Connection;
  replies: Connection;
  private moving = false;
  private lastUse = -Infinity;
  private lastPulse = -Infinity;
  private closed = false;

  constructor(private readonly options: CallerConnectionOptions) {
    this.commands = this.connection('calls');
    this.commands.beforeUse(() => this.sync());
    this.replies = this.listener();
  }

  /** Connected, and hearing replies. */
  get ready(): boolean {
    return this.commands.ready && this.replies.ready;
  }

  /** Waits for a connection that is just coming, or coming back; not for one that has been down for longer. */
  async whenReady(most = Infinity): Promise<boolean> {
    this.lastUse = performance.now();
    if (this.lastUse - this.lastPulse > PULSE_MS) this.pulse();
    if (this.ready) return true;
    this.connect();
    const ms = Math.min(most, PATIENCE_MS - Math.max(this.commands.downFor, this.replies.downFor));
    if (ms > 0) await Promise.all([this.commands.whenReady(ms), this.replies.whenReady(ms)]);
    return this.ready;
  }

  connect(): void {
    this.commands.connect();
    this.replies.connect();
  }

  close(): void {
    this.closed = true;
    this.commands.close();
    this.replies.close();
  }

  /**
   * How many replicas take messages, by the key of their heartbeats. A plain read, since scripts need the right to write, and
   * a caller that can write there can pretend that a replica is there.
   */
  present(key: string): Promise<number> {
    const since = Math.floor(this.commands.clock.now() - PRESENCE_MS);
    return this.commands.within(ANSWER_MS, this.commands.redis.zcount(key, since, '+inf'));
  }

  /** Resolves when all replies have been heard that were published before Redis last answered. */
  async heard(): Promise<void> {
    await this.replies.within(ANSWER_MS, this.replies.redis.ping());
  }

  /** To be called every `PULSE_MS`. */
  beat(): void {
    const now = performance.now();
    if (now - this.lastUse < BUSY_MS || now - this.lastPulse > IDLE_PULSE_MS) this.pulse();
    // After a failover each finds its own way. As long as the two are on different Redises, replies come late or never.
    if (this.ready && !this.moving && this.replies.peer !== this.commands.peer) void this.move();
  }

  /** Shows a frozen Redis, or one that is not the right one any more, before a call does, and keeps the clock. */
  private pulse(): void {
    this.lastPulse = performance.now();
    if (this.commands.ready) this.sync().catch(() => undefined);
    if (this.replies.ready) this.heard().catch(() => undefined);
  }

  /** Hears replies where commands go now, and until then where they were heard. */
  private async move(): Promise<void> {
    this.moving = true;
    const next = this.listener();
    next.connect();
    const [before, after] = (await next.whenReady(ANSWER_MS)) ? [this.replies, next] : [next, this.replies];
    before.close();
    this.replies = after;
    this.moving = false;
    if (this.closed) after.close();
  }

  private listener(): Connection {
    const { channel, onReply } = this.options;
    const connection = this.connection('replies');
    connection.beforeUse(async () => {
      await connection.redis.subscribe(channel);
    });
    connection.redis.on('message', (_channel: string, text: string) => onReply(text));
    return connection;
  }

  private async sync(): Promise<void> {
    const { slotKey } = this.options;
    const { redis } = this.commands;
    // On a Cluster, TIME alone would be answered by any node. Where the key is not, it moves us to where it is.
    const place = slotKey === undefined ? 0 : redis.zcount(slotKey, 0, 0);
    await Promise.all([this.commands.syncClock(), place]);
  }

  private connection(name: string): Connection {
    const { redis, service, slotKey = '', logger, onEvent } = this.options;
    return new Connection({ redis, slotKey, name: `${service}:${name}`, logger, onEvent });
  }
}
