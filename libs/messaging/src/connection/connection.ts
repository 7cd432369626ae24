import { Redis } from 'ioredis';
import { type BusOptions } from '../options';
import { RedisClock } from './clock';
import { isElsewhere, redisOptions } from './redis-options';
import { type Script } from '../wire/scripts';

type Argument = string | number;

/** Redis answers within this, or counts as frozen. */
export const ANSWER_MS = 1_000;
const CONNECT_MS = 1_000;
/** Linear backoff: 50 ms more before each attempt, at most so long. */
const MAX_BACKOFF_MS = 500;

export interface ConnectionOptions extends Pick<BusOptions, 'redis' | 'logger' | 'onEvent'> {
  /** On a Cluster it leads to the node that has this key. */
  readonly slotKey: string;
  /** Shown by CLIENT LIST and in the log. */
  readonly name: string;
  /** It came up, or was lost; not told when it was closed. */
  readonly onState?: (up: boolean) => void;
}

/**
 * One connection to Redis that comes back by itself, and never hides what became of a command: nothing is queued while
 * it is down, and nothing is sent twice. A command rejects when it surely was not run (see `wasNotRun`) or when that is
 * unknown.
 */
export class Connection {
  readonly redis: Redis;
  /** That of the Redis at its end, for whoever keeps it: by `syncClock`, or by what else is asked. */
  readonly clock = new RedisClock();
  private lastError: Error | undefined;
  private readonly waiting = new Set<() => void>();
  private readonly openers: (() => Promise<unknown>)[] = [];
  private handshakeEnded: () => void = () => undefined;
  /** Which connection this is, or the lack of one: changes with each that comes or goes. */
  private epoch = 0;
  private open = false;
  private closed = false;
  private downSince = performance.now();
  private warned = false;

  constructor(private readonly options: ConnectionOptions) {
    this.redis = new Redis({
      ...redisOptions(options.redis, options.slotKey),
      lazyConnect: true,
      connectionName: options.name,
      connectTimeout: CONNECT_MS,
      keepAlive: 5_000,
      retryStrategy: (attempt) => Math.min(50 * attempt, MAX_BACKOFF_MS),
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      reconnectOnError: (error) => {
        const elsewhere = isElsewhere(error);
        if (elsewhere) this.lastError = error;
        return elsewhere;
      },
    });
    this.redis.on('connect', () => this.expectReady());
    this.redis.on('ready', () => void this.opened());
    this.redis.on('close', () => this.lost());
    this.redis.on('error', (error: Error) => {
      this.lastError = error;
    });
  }

  /** Runs each time the connection is up again, before anybody else may use it. If it rejects, the connection is cut. */
  beforeUse(opener: () => Promise<unknown>): void {
    this.openers.push(opener);
  }

  get ready(): boolean {
    return this.open && !this.closed && this.redis.status === 'ready' && this.redis.stream.writable;
  }

  /** Which Redis it is connected to, while it is. */
  get peer(): string | undefined {
    const { remoteAddress, remotePort } = this.redis.stream ?? {};
    return remoteAddress && `${remoteAddress} ${remotePort}`;
  }

  /** Starts connecting, and goes on until it succeeds. */
  connect(): void {
    if (this.redis.status !== 'wait') return;
    this.downSince = performance.now();
    this.redis.connect().catch(() => undefined);
  }

  /** For how many ms it has been down; 0 while it is up, or just about to be lost. */
  get downFor(): number {
    return this.open ? 0 : performance.now() - this.downSince;
  }

  /** @returns whether it is up, as soon as it is and at the latest after so many ms */
  async whenReady(ms: number): Promise<boolean> {
    if (this.ready || this.closed) return this.ready;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
    });
    return this.ready;
  }

  /** Runs a script. @param unknown where it is sent whole if Redis does not know it: this one may be blocked meanwhile */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    unknown: Connection = this,
  ): Promise<unknown> {
    try {
      return await this.redis.evalsha(script.sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return unknown.redis.eval(script.source, keys.length, ...keys, ...args);
    }
  }

  /** Runs a script; a Redis that does not answer in time is frozen, and cut off. */
  ask(script: Script, keys: readonly string[], args: readonly Argument[], ms = ANSWER_MS): Promise<unknown> {
    return this.within(ms, this.run(script, keys, args));
  }

  /** Asks for Redis' time, and learns from the answer. */
  async syncClock(ms = ANSWER_MS): Promise<void> {
    await this.clock.measure(async () => {
      const [seconds, micros] = await this.within(ms, this.redis.time());
      return Number(seconds) * 1_000 + Number(micros) / 1_000;
    });
  }

  /**
   * Cuts the connection if the answer does not come in time: a frozen Redis keeps its sockets open, and looks alive.
   * The loop gets one more turn first, for it may be this process that stood still while the answer lay in the socket.
   */
  async within<T>(ms: number, answer: Promise<T>): Promise<T> {
    let settled = false;
    const timer = setTimeout(() => setImmediate(() => settled || this.cut()), ms);
    try {
      return await answer;
    } finally {
      settled = true;
      clearTimeout(timer);
    }
  }

  close(): void {
    this.closed = true;
    this.redis.disconnect();
    this.wake();
  }

  /** Drops the connection, which then is made anew. */
  cut(): void {
    this.lastError ??= new Error('no answer in time');
    this.redis.stream?.destroy();
  }

  private expectReady(): void {
    const handshake = new Promise<void>((resolve) => {
      this.handshakeEnded = resolve;
    });
    void this.within(CONNECT_MS, handshake);
  }

  private async opened(): Promise<void> {
    this.handshakeEnded();
    const epoch = (this.epoch += 1);
    this.clock.distrust();
    try {
      await this.within(CONNECT_MS, Promise.all(this.openers.map((opener) => opener())));
    } catch (error) {
      if (epoch !== this.epoch) return;
      this.lastError = error as Error;
      this.cut();
      return;
    }
    if (this.closed || epoch !== this.epoch) return;
    this.open = true;
    this.warned = false;
    this.lastError = undefined;
    this.options.logger.info('Redis connection is up', { connection: this.options.name });
    this.tell(true);
    this.wake();
  }

  private lost(): void {
    this.handshakeEnded();
    this.epoch += 1;
    const wasOpen = this.open;
    if (wasOpen) this.downSince = performance.now();
    this.open = false;
    // Said once, not for every attempt that fails.
    if (!this.closed && (wasOpen || !this.warned)) {
      const facts = { connection: this.options.name, reason: this.lastError?.message ?? 'closed by Redis' };
      this.options.logger.warn(wasOpen ? 'Redis connection is lost' : 'Redis cannot be reached', facts);
      this.warned = true;
    }
    this.lastError = undefined;
    if (wasOpen && !this.closed) this.tell(false);
  }

  private tell(up: boolean): void {
    const { name, onEvent, onState } = this.options;
    onEvent?.({ type: 'connection', name, up });
    onState?.(up);
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

/** Whether a command surely had no effect: Redis refused it, or it was never written. Otherwise nobody knows. */
export function wasNotRun(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'ReplyError' || error.message.startsWith("Stream isn't writeable");
}
