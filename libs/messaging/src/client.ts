import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { type Redis } from 'ioredis';
import { v7 as uuid } from 'uuid';
import { RedisClock } from './clock';
import { Connection, wasNotRun } from './connection';
import { callContext } from './context';
import { type Lane } from './contract';
import { BusError } from './errors';
import { callSeal, contentText, replySeal } from './envelope';
import { Keys, requireName } from './keys';
import { PRESENCE_MS } from './lease';
import { decodeReply, exceeds, isIdempotencyKey, MOST_TTL_MS, type Outgoing, type Reply, toFields } from './message';
import { type BusClientOptions, type BusLogger, DEFAULTS, nestLogger, replicaId } from './options';
import { type Fate, type PendingCall, PendingCalls } from './pending-calls';
import { LOCATE, PRESENCE, RETRACT, type Script, SEND } from './scripts';

const PULSE_MS = 500;
const ANSWER_MS = 1_000;
/** How long a call waits for a connection that is just coming back. */
const PATIENCE_MS = 1_000;
const STALE_MS = 1_000;
const COMPLAIN_MS = 1_000;
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
export class BusClient extends ClientProxy {
  /** Who asks. */
  readonly service: string;
  readonly replica: string;
  private readonly log: BusLogger;
  private readonly keys: Keys;
  private readonly clock = new RedisClock();
  private readonly commands: Connection;
  private readonly answers: Connection;
  private readonly pending = new PendingCalls((calls, last) => void this.ask(calls, last));
  private pulse: NodeJS.Timeout | undefined;
  private closed = false;
  private complained = -Infinity;

  constructor(private readonly options: BusClientOptions) {
    super();
    this.service = requireName(options.service);
    this.replica = replicaId(options.replica);
    this.log = options.logger ?? nestLogger();
    this.keys = new Keys(options.prefix ?? DEFAULTS.prefix);
    this.commands = this.connection('calls');
    this.commands.beforeUse(() => {
      this.clock.distrust();
      return this.sync();
    });
    this.answers = this.connection('answers');
    this.answers.beforeUse(() => {
      const channel = this.keys.replyChannel(this.service, this.replica);
      return this.answers.redis.subscribe(channel);
    });
    this.answers.redis.on('message', (_channel: string, text: string) => {
      const reply = this.replyIn(text);
      if (reply) this.pending.answer(reply);
    });
  }

  /** Connected, and hearing its answers. */
  get ready(): boolean {
    return this.commands.ready && this.answers.ready;
  }

  /** Starts connecting. Resolves when connected, or after a while without: then calls answer `service_unavailable`. */
  async connect(): Promise<void> {
    await this.whenReady();
  }

  /** Calls that still wait reject at once. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.pulse);
    this.pending.failAll(() => 'outcome_unknown');
    this.commands.close();
    this.answers.close();
  }

  /** How many replicas of a service take messages now. Rejects with `service_unavailable` when Redis does not say. */
  async presence(service: string): Promise<number> {
    const key = this.keys.replicas(requireName(service));
    await this.whenReady();
    try {
      return Number(await this.answered(PRESENCE, [key], [PRESENCE_MS]));
    } catch (error) {
      throw this.decoded(BusError.of('service_unavailable', error));
    }
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws what `decodeError` makes of the callee's error, or of a `BusErrorCode`
   * @throws TypeError or RangeError when data is no JSON, or the time to live no time
   */
  async call(target: Target, data: object, options: CallOptions = {}): Promise<unknown> {
    const started = performance.now();
    let code = 'ok';
    try {
      return await this.exchange(target, data, options, started);
    } catch (error) {
      code = error instanceof BusError ? error.code : 'internal';
      throw error instanceof BusError ? this.decoded(error) : error;
    } finally {
      const { service, pattern } = target;
      this.options.onEvent?.({ type: 'called', service, pattern, code, ms: performance.now() - started });
    }
  }

  override on(event: string, listener: (...args: unknown[]) => void): void {
    for (const { redis } of [this.commands, this.answers]) redis.on(event as 'error', listener);
  }

  override unwrap<T = Redis[]>(): T {
    return [this.commands.redis, this.answers.redis] as T;
  }

  /** Nest's `send(target, data)`: the pattern is a `Target`. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    this.call(packet.pattern as Target, packet.data as object).then(
      (response) => callback({ response, isDisposed: true }),
      (err: unknown) => callback({ err }),
    );
    return () => undefined;
  }

  protected override dispatchEvent(): Promise<never> {
    return Promise.reject(new Error('the bus carries no events'));
  }

  private decoded(error: BusError): Error {
    return this.options.decodeError?.(error.wire) ?? error;
  }

  private async exchange(target: Target, data: object, options: CallOptions, started: number): Promise<unknown> {
    const context = callContext.getStore();
    const ttl = options.ttlMs ?? this.options.defaultTtlMs ?? DEFAULTS.ttlMs;
    if (!(ttl > 0 && ttl <= MOST_TTL_MS)) throw new RangeError(`a call cannot live for ${ttl} ms`);
    const deadline = Math.min(started + ttl, context?.deadline ?? Infinity);
    const id = uuid();
    const { service, pattern } = target;
    const head = {
      ...{ id, pattern, reply: this.replica },
      requestId: context?.requestId,
      traceparent: context?.traceparent,
      idempotencyKey: options.idempotencyKey,
    };
    if (head.idempotencyKey !== undefined && !isIdempotencyKey(head.idempotencyKey)) {
      throw BusError.of('validation_failed');
    }
    const message = this.pack(target, head, JSON.stringify(data), jsonOf(options.actor ?? context?.actor));
    if (!(await this.whenReady(deadline - performance.now()))) throw BusError.of('service_unavailable');

    const stream = this.keys.stream(service, this.service, target.lane);
    return new Promise((resolve, reject) => {
      const call = this.pending.add({
        ...{ id, service, pattern, stream, started, deadline, resolve },
        reject: (wire) => reject(new BusError(wire)),
      });
      void this.post(call, toFields(message));
    });
  }

  /** Adds data and actor, sealed where there is a sealer. */
  private pack(target: Target, head: Outgoing, data: string, actor: string | undefined): Outgoing {
    const { sealer, maxMessageBytes: most = DEFAULTS.maxMessageBytes } = this.options;
    if (exceeds(data, most) || (actor !== undefined && exceeds(actor, most))) throw BusError.of('message_too_large');
    if (!sealer) return { ...head, data, actor };
    const text = contentText(data, actor);
    if (exceeds(text, most)) throw BusError.of('message_too_large');
    const route = { callee: target.service, caller: this.service, lane: target.lane };
    return { ...head, sealed: sealer.seal(text, callSeal(route, head)) };
  }

  /** @returns what was answered, or undefined for what is no answer to a call of ours */
  private replyIn(text: string): Reply | undefined {
    const heard = decodeReply(text);
    const call = heard && this.pending.get(heard.id);
    if (!heard || !call) return undefined;
    const { sealer } = this.options;
    if (!sealer) return heard.sealed === undefined ? heard : undefined;
    const callee = call.service;
    const inside = heard.sealed && sealer.open(heard.sealed, replySeal({ callee, caller: this.service }, heard.id));
    const reply = inside ? decodeReply(inside) : undefined;
    if (reply?.id === heard.id) return reply;
    this.complain('dropped an answer that is not sealed with our keys', { service: callee });
    this.options.onEvent?.({ type: 'dropped', what: 'reply', peer: callee });
    return undefined;
  }

  private async post(call: PendingCall, fields: string[]): Promise<void> {
    const most = this.options.maxStreamLength ?? DEFAULTS.maxStreamLength;
    const expiry = Math.floor(this.clock.now() + call.deadline - performance.now());
    try {
      const result = String(await this.commands.run(SEND, [call.stream], [expiry, most, ...fields]));
      if (result === 'full') this.pending.fail(call, 'overloaded');
      else if (result === 'late') this.pending.fail(call, 'service_unavailable');
      else call.entry = result;
    } catch (error) {
      if (!wasNotRun(error)) {
        call.unconfirmed = true;
        return;
      }
      const reason = error instanceof Error ? error.message : String(error);
      this.complain('Redis refuses messages', { reason });
      this.pending.fail(call, 'service_unavailable');
    }
  }

  /** What is wrong with one message is wrong with many: one line a second says it. */
  private complain(message: string, facts: object): void {
    const now = performance.now();
    if (now - this.complained < COMPLAIN_MS) return;
    this.complained = now;
    this.log.warn(message, facts);
  }

  /** Asks what became of messages that are not answered yet. */
  private async ask(calls: readonly PendingCall[], last: boolean): Promise<void> {
    const byStream = new Map<string, PendingCall[]>();
    for (const call of calls) {
      const others = byStream.get(call.stream);
      if (others) others.push(call);
      else byStream.set(call.stream, [call]);
    }
    for (const [stream, waiting] of byStream) {
      for (let i = 0; i < waiting.length; i += ASKED_AT_ONCE) {
        const some = waiting.slice(i, i + ASKED_AT_ONCE);
        await this.askStream(stream, some, last).catch(() => undefined);
        for (const call of some) call.asking = false;
      }
    }
  }

  private async askStream(stream: string, calls: readonly PendingCall[], last: boolean): Promise<void> {
    await this.locate(stream, calls.filter((call) => call.unconfirmed && call.entry === undefined));
    const known = calls.filter((call) => call.entry !== undefined);
    const { service } = known[0] ?? {};
    if (service === undefined) return;
    const notAfter = Math.floor(this.clock.now() + STALE_MS);
    const args = [service, PRESENCE_MS, last ? 1 : 0, notAfter, ...known.map((call) => call.entry ?? '')];
    const fates = (await this.answered(RETRACT, [stream, this.keys.replicas(service)], args)) as Fate[];
    // Answers given before Redis said so are ahead of this one: then what is still not answered never was, or is lost.
    if (fates.includes('gone')) await this.answers.within(ANSWER_MS, this.answers.redis.ping());
    known.forEach((call, i) => this.pending.learn(call, fates[i]));
  }

  /** Looks for messages whose sending was cut off. */
  private async locate(stream: string, calls: readonly PendingCall[]): Promise<void> {
    if (calls.length === 0) return;
    const args = [LOOKED_THROUGH, ...calls.map((call) => call.id)];
    const entries = (await this.answered(LOCATE, [stream], args)) as string[];
    calls.forEach((call, i) => {
      if (entries[i]) call.entry = entries[i];
      else this.pending.learn(call, 'gone');
    });
  }

  private async sync(): Promise<void> {
    const asked = performance.now();
    const [seconds, micros] = await this.commands.within(ANSWER_MS, this.commands.redis.time());
    this.clock.sync(Number(seconds) * 1_000 + Number(micros) / 1_000, asked, performance.now());
  }

  /** Shows a frozen Redis before a call does, and keeps the clock. */
  private beat(): void {
    if (this.commands.ready) this.sync().catch(() => undefined);
    if (this.answers.ready) this.answers.within(ANSWER_MS, this.answers.redis.ping()).catch(() => undefined);
  }

  private answered(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.commands.within(ANSWER_MS, this.commands.run(script, keys, args));
  }

  /** Waits for a connection that is just coming, or coming back; not for one that has been down for longer. */
  private async whenReady(most = Infinity): Promise<boolean> {
    if (this.ready) return true;
    if (this.closed) return false;
    this.open();
    const ms = Math.min(most, PATIENCE_MS - Math.max(this.commands.downFor, this.answers.downFor));
    if (ms > 0) await Promise.all([this.commands.whenReady(ms), this.answers.whenReady(ms)]);
    return this.ready;
  }

  private open(): void {
    this.commands.connect();
    this.answers.connect();
    this.pulse ??= setInterval(() => this.beat(), PULSE_MS);
  }

  private connection(name: string): Connection {
    const { redis, service, onEvent } = this.options;
    return new Connection({
      ...{ redis, name: `${service}:${name}`, logger: this.log },
      onState: (up) => {
        onEvent?.({ type: 'connection', name, up });
        if (name === 'calls') this._status$.next(up ? 'connected' : 'disconnected');
      },
    });
  }
}

function jsonOf(value: object | undefined): string | undefined {
  return value && JSON.stringify(value);
}

