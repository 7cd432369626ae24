import { randomUUID } from 'node:crypto';
import { callContext } from '../wire/context';
import { type Lane } from '../wire/contract';
import { BusError } from '../wire/errors';
import { callSeal, contentText, openReplies } from '../wire/envelope';
import { Keys, requireName } from '../wire/keys';
import { CallerConnection, PULSE_MS } from './caller-connection';
import { encodeHead, isIdempotencyKey, isTooLarge, MOST_TTL_MS } from '../wire/message';
import { type BusClientOptions, type BusLogger, DEFAULTS, newReplicaId } from '../options';
import { type Fate, type PendingCall, PendingCalls } from './pending-calls';
import { parseRedisUrl } from '../connection/redis-url';
import { throttled } from '../throttled';
import { LOCATE, RETRACT } from '../wire/scripts';
import { Sender } from './sender';

const STALE_MS = 1_000;
const WARN_MS = 1_000;
const ASKED_AT_ONCE = 200;
const LOOKED_THROUGH = 1_000;

/** Whom and what to ask. */
export interface Target {
  readonly service: string;
  readonly pattern: string;
  readonly lane: Lane;
}

export interface CallOptions {
  /** On whose behalf; default: the actor of the `callContext`. */
  readonly actor?: object;
  /** Makes asking again safe: the callee runs what has the same key once. */
  readonly idempotencyKey?: string;
  /** How long to wait; never longer than what is left to the call that this one is part of. */
  readonly ttlMs?: number;
}

/**
 * Asks services: one per process, shared by all `ServiceClient`s. Every call settles by its time to live, also while
 * Redis is stopped, frozen, or comes and goes.
 */
export class BusClient {
  /** Who asks. */
  readonly service: string;
  readonly replica: string;
  private readonly warn: BusLogger['warn'];
  private readonly keys: Keys;
  /** By callee on a Cluster, where each callee's keys are on a node of its own; else there is one for all. */
  private readonly connections = new Map<string, CallerConnection>();
  private readonly onCluster: boolean;
  private readonly pending = new PendingCalls((calls, last) => void this.ask(calls, last));
  private readonly sender: Sender;
  private readonly asked = new Set<string>();
  private pulse: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: BusClientOptions) {
    this.service = requireName(options.service);
    this.replica = newReplicaId();
    this.warn = throttled(WARN_MS, (message: string, facts?: object) => options.logger.warn(message, facts));
    this.sender = new Sender(this.pending, options.maxStreamLength ?? DEFAULTS.maxStreamLength, this.warn);
    this.keys = new Keys(options.prefix);
    this.onCluster = parseRedisUrl(options.redis).kind === 'cluster';
    if (!this.onCluster) this.connectionTo('');
  }

  /** Connected to wherever it asks, and hearing its replies. On a Cluster, one that asks nobody yet needs nothing. */
  get ready(): boolean {
    return [...this.connections.values()].every((connection) => connection.ready);
  }

  /**
   * Starts connecting. Resolves when connected, or after a while without: then calls reject with `service_unavailable`.
   *
   * @param services which will be asked
   */
  async connect(...services: readonly string[]): Promise<void> {
    const connections = new Set(services.map((service) => this.connectionTo(service)));
    for (const connection of this.connections.values()) connections.add(connection);
    await Promise.all([...connections].map((connection) => this.whenReady(connection)));
  }

  /** Calls that still wait reject at once. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.pulse);
    this.pending.failAll('outcome_unknown');
    for (const connection of this.connections.values()) connection.close();
  }

  /** How many replicas of a service take messages now. Rejects with `service_unavailable` when Redis does not say. */
  async presence(service: string): Promise<number> {
    const key = this.keys.replicas(requireName(service));
    const connection = this.connectionTo(service);
    await this.whenReady(connection);
    try {
      return await connection.present(key);
    } catch (error) {
      throw this.decoded(BusError.of('service_unavailable', error));
    }
  }

  /**
   * Asks, and waits for the reply.
   *
   * @throws what `decodeError` makes of the callee's error, or of a `BusErrorCode`
   * @throws TypeError or RangeError when data is no JSON, or the time to live no time
   */
  async call(target: Target, data: object, options: CallOptions = {}): Promise<unknown> {
    const started = performance.now();
    let code = 'ok';
    try {
      return await this.sendAndWait(target, data, options, started);
    } catch (error) {
      code = error instanceof BusError ? error.code : 'internal';
      throw error instanceof BusError ? this.decoded(error) : error;
    } finally {
      const { service, pattern } = target;
      this.options.onEvent?.({ type: 'called', service, pattern, code, ms: performance.now() - started });
    }
  }

  private decoded(error: BusError): Error {
    return this.options.decodeError?.(error.wire) ?? error;
  }

  private async sendAndWait(target: Target, data: object, options: CallOptions, started: number): Promise<unknown> {
    const context = callContext.getStore();
    const ttl = options.ttlMs ?? DEFAULTS.ttlMs;
    if (!(ttl > 0 && ttl <= MOST_TTL_MS)) throw new RangeError(`a call cannot live for ${ttl} ms`);
    const deadline = Math.min(started + ttl, context?.deadline ?? Infinity);
    const id = newMessageId();
    const { service, pattern } = target;
    const { idempotencyKey } = options;
    if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) throw BusError.of('validation_failed');
    const { requestId, traceparent, tracestate } = context ?? {};
    const head = encodeHead({ id, pattern, reply: this.replica, idempotencyKey, requestId, traceparent, tracestate });
    const sealed = this.seal(target, head, JSON.stringify(data), jsonOf(options.actor ?? context?.actor));
    const connection = this.connectionTo(service);
    this.asked.add(service);
    if (!connection.ready && !(await this.whenReady(connection, deadline - performance.now()))) {
      throw BusError.of('service_unavailable');
    }

    const stream = this.keys.stream(service, this.service, target.lane);
    const { call, reply } = this.pending.add({ id, service, stream, connection, started, deadline });
    this.sender.send(call, head, sealed);
    return reply;
  }

  /** What of a message is under the seal. */
  private seal({ service: callee, lane }: Target, head: string, data: string, actor: string | undefined): string {
    const text = contentText(data, actor);
    if (isTooLarge(text)) throw BusError.of('message_too_large');
    return this.options.sealer.seal(text, callSeal({ callee, caller: this.service, lane }, head));
  }

  private hear(text: string): void {
    const { callee, replies } = openReplies(this.options.sealer, { caller: this.service, replica: this.replica }, text);
    if (!replies) return this.drop(callee);
    for (const reply of replies) {
      const call = this.pending.get(reply.id);
      if (call?.service === callee) this.pending.settle(reply);
      else if (call) this.drop(callee);
    }
  }

  private drop(callee: string): void {
    // The callee is only claimed, and must not become a label of metrics that somebody invented.
    const peer = this.asked.has(callee) ? callee : 'unknown';
    this.warn('dropped a reply that is not sealed with our keys', { service: peer });
    this.options.onEvent?.({ type: 'dropped', what: 'reply', peer });
  }

  /** Asks what became of messages without a reply yet. */
  private async ask(calls: readonly PendingCall[], last: boolean): Promise<void> {
    const byStream = new Map<string, PendingCall[]>();
    for (const call of calls) {
      const others = byStream.get(call.stream);
      if (others) others.push(call);
      else byStream.set(call.stream, [call]);
    }
    // Side by side: on a Cluster, a stream may be on a node that does not answer.
    await Promise.all([...byStream].map(([stream, waiting]) => this.askInTurn(stream, waiting, last)));
  }

  private async askInTurn(stream: string, waiting: readonly PendingCall[], last: boolean): Promise<void> {
    for (let i = 0; i < waiting.length; i += ASKED_AT_ONCE) {
      const some = waiting.slice(i, i + ASKED_AT_ONCE);
      await this.askStream(stream, some, last).catch(() => undefined);
      for (const call of some) call.asking = false;
    }
  }

  private async askStream(stream: string, calls: readonly PendingCall[], last: boolean): Promise<void> {
    await this.locate(
      stream,
      calls.filter((call) => call.unconfirmed && call.entry === undefined),
    );
    const known = calls.filter((call) => call.entry !== undefined);
    const { service, connection } = known[0] ?? {};
    if (service === undefined || connection === undefined) return;
    const notAfter = Math.floor(connection.commands.clock.now() + STALE_MS);
    // Waiting makes sense while a replica is there to take the message, and time is left.
    const keep = !last && (await connection.present(this.keys.replicas(service))) > 0;
    const args = [service, keep ? 1 : 0, notAfter, ...known.map((call) => call.entry ?? '')];
    const fates = (await connection.commands.ask(RETRACT, [stream], args)) as Fate[];
    // A reply that was published before is heard by then: a call that still has none was never answered, or its reply is lost.
    if (fates.includes('gone')) await connection.heard();
    known.forEach((call, i) => this.pending.learn(call, fates[i]));
  }

  /** Looks for messages whose sending was cut off. */
  private async locate(stream: string, calls: readonly PendingCall[]): Promise<void> {
    const [first] = calls;
    if (!first) return;
    const args = [LOOKED_THROUGH, ...calls.map((call) => call.id)];
    const entries = (await first.connection.commands.ask(LOCATE, [stream], args)) as string[];
    calls.forEach((call, i) => {
      if (entries[i]) call.entry = entries[i];
      else this.pending.learn(call, 'gone');
    });
  }

  private async whenReady(connection: CallerConnection, most?: number): Promise<boolean> {
    if (this.closed) return false;
    this.pulse ??= setInterval(() => this.beat(), PULSE_MS);
    return connection.whenReady(most);
  }

  private beat(): void {
    for (const connection of this.connections.values()) connection.beat();
  }

  private connectionTo(service: string): CallerConnection {
    const key = this.onCluster ? service : '';
    const known = this.connections.get(key);
    if (known) return known;
    const connection = new CallerConnection({
      ...this.options,
      slotKey: this.onCluster ? this.keys.replicas(service) : undefined,
      channel: this.keys.replyChannel(this.service, this.replica),
      onReply: (text) => this.hear(text),
    });
    this.connections.set(key, connection);
    return connection;
  }
}

/** A UUID of version 7: the time, and what `randomUUID` has drawn ahead. */
function newMessageId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

function jsonOf(value: object | undefined): string | undefined {
  return value && JSON.stringify(value);
}
