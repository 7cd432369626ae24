import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { type Redis } from 'ioredis';
import { Connection } from '../connection/connection';
import { type CalleeStatus, inspect } from '../operations/inspect';
import { type BusServerOptions, newReplicaId } from '../options';
import { type BusContext } from '../wire/context';
import { callersOf, type Lane, LANES } from '../wire/contract';
import { Keys, requireName } from '../wire/keys';
import { LEAVE } from '../wire/scripts';
import { Acknowledger } from './acknowledger';
import { BUS_TRANSPORT, type HandlerExtras } from './handles';
import { LaneReader } from './lane-reader';
import { Lease } from './lease';
import { type Replica } from './replica';
import { Runner } from './runner';

/** How long `listen` waits for Redis before it goes on without: the service then begins when Redis does. */
const PATIENCE_MS = 2_000;
/** How long `close` waits for running handlers. */
const DRAIN_MS = 10_000;
const FLUSH_MS = 1_000;
const POLL_MS = 10;

type Listener = (...args: unknown[]) => void;

/**
 * Answers a contract: one replica of a service. A custom strategy for Nest microservices; handlers are ordinary
 * controllers' methods (see `Handles`), behind Nest's guards, interceptors and filters.
 */
export class BusServer extends Server<Record<string, Listener>> implements CustomTransportStrategy {
  override readonly transportId = BUS_TRANSPORT;
  readonly replica = newReplicaId();
  private readonly keys: Keys;
  private readonly self: Replica;
  private readonly lease: Lease;
  private readonly acknowledger: Acknowledger;
  private readonly readers: LaneReader[];
  private closing: Promise<void> | undefined;

  constructor(private readonly options: BusServerOptions) {
    super();
    const { contract, prefix } = options;
    const callee = requireName(contract.name);
    const keys = (this.keys = new Keys(prefix));
    const sources = LANES.flatMap((lane) =>
      callersOf(contract, lane).map((caller) => ({
        stream: keys.stream(callee, requireName(caller), lane),
        caller,
        lane,
      })),
    );
    const self = { ...options, id: this.replica, callee, keys, sources, commands: this.connection('commands') };
    const held = (): number => this.readers.reduce((sum, reader) => sum + reader.heldCount, 0);
    this.self = self;
    this.lease = new Lease(self, held, () => this.readers.forEach((reader) => reader.sweepSoon()));
    this.acknowledger = new Acknowledger(self);
    const runner = new Runner(self, this.acknowledger, (...message) => this.handle(...message));
    const lanes = LANES.filter((lane) => sources.some((source) => source.lane === lane));
    this.readers = lanes.map(
      (lane) => new LaneReader(self, lane, this.connection(lane), this.lease, this.acknowledger, runner),
    );
  }

  /** Connected, reading, and seen by callers. */
  get ready(): boolean {
    return this.lease.present && this.readers.every(({ connection }) => connection.ready);
  }

  /** How it stands with this service's streams. Rejects when Redis does not say. */
  inspect(): Promise<CalleeStatus> {
    const { commands, contract, prefix } = this.self;
    return inspect((...script) => commands.ask(...script), contract, prefix);
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: HandlerExtras = {},
  ): void {
    const name = String(pattern);
    const { contract = this.options.contract.name } = extras;
    if (contract !== this.options.contract.name)
      throw new Error(`${name} is a pattern of another service: ${contract}`);
    if (isEventHandler) throw new Error(`the bus carries no events: ${name}`);
    if (this.messageHandlers.has(name)) throw new Error(`two handlers for one pattern: ${name}`);
    super.addHandler(pattern, callback, false, extras);
  }

  /** @throws (to the callback) when handlers and contract do not match */
  listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
  }

  /** Reads no more, waits for what runs, sends the replies, and leaves the rest to others. */
  async close(): Promise<void> {
    this.closing ??= this.drain();
    await this.closing;
  }

  override on(event: string, listener: Listener): void {
    for (const connection of this.connections) connection.redis.on(event as 'error', listener);
  }

  override unwrap<T = Redis[]>(): T {
    return this.connections.map((connection) => connection.redis) as T;
  }

  private get connections(): Connection[] {
    return [this.self.commands, ...this.readers.map(({ connection }) => connection)];
  }

  private async start(): Promise<void> {
    this.requireMatch();
    for (const connection of this.connections) connection.connect();
    this.lease.start();
    this.acknowledger.start();
    for (const reader of this.readers) reader.start();
    const up = await Promise.all(this.connections.map((connection) => connection.whenReady(PATIENCE_MS)));
    if (up.includes(false))
      this.options.logger.warn('Redis is not there yet; the bus begins when it is', { replica: this.replica });
  }

  private requireMatch(): void {
    const patterns = Object.keys(this.options.contract.patterns);
    const missing = patterns.filter((pattern) => !this.messageHandlers.has(pattern));
    const foreign = [...this.messageHandlers.keys()].filter((pattern) => !patterns.includes(pattern));
    if (missing.length === 0 && foreign.length === 0) return;
    throw new Error(
      `handlers do not match the contract of ${this.options.contract.name}: ` +
        `without handler: ${missing.join(', ') || 'none'}; not in the contract: ${foreign.join(', ') || 'none'}`,
    );
  }

  private connection(name: Lane | 'commands'): Connection {
    const { redis, contract, logger, onEvent } = this.options;
    return new Connection({
      ...{ redis, slotKey: this.keys.leases(contract.name), name: `${contract.name}:${name}`, logger, onEvent },
      onState: (up) => {
        if (name !== 'commands') return;
        this._status$.next(up ? 'connected' : 'disconnected');
        // They are silent for long when nothing is asked, and would notice late that Redis is away or frozen.
        if (!up) for (const { connection } of this.readers) connection.cut();
      },
    });
  }

  private handle(pattern: string, data: object, context: BusContext): Promise<unknown> {
    const handler = this.messageHandlers.get(pattern);
    // `requireMatch` has seen to it that there is one.
    if (!handler) throw new Error(`no handler for ${pattern}`);
    return new Promise((resolve, reject) => {
      this.runWithProcessingHooks(context, async (end) => {
        try {
          resolve(await handler(data, context));
        } catch (error) {
          reject(error as Error);
        } finally {
          end();
        }
      });
    });
  }

  private async drain(): Promise<void> {
    const drained = this.lease.withdraw();
    await Promise.all(this.readers.map((reader) => reader.stop()));
    await drained;
    const busy = () => this.readers.some((reader) => reader.runningCount > 0);
    if (!(await until(() => !busy(), DRAIN_MS))) {
      this.options.logger.warn('closed while messages were running', { replica: this.replica });
    }
    await until(() => this.acknowledger.idle || !this.self.commands.ready, FLUSH_MS);
    this.lease.stop();
    this.acknowledger.stop();
    await this.leave();
    for (const connection of this.connections) connection.close();
  }

  private async leave(): Promise<void> {
    const { callee, commands, keys, sources } = this.self;
    if (!commands.ready) return;
    const places = [keys.leases(callee), keys.replicas(callee), ...sources.map(({ stream }) => stream)];
    await commands.ask(LEAVE, places, [callee, this.replica]).catch(() => undefined);
  }
}

/** @returns whether the condition came true in time */
async function until(condition: () => boolean, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return condition();
}
