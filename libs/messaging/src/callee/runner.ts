import { randomBytes } from 'node:crypto';
import { isObservable, lastValueFrom } from 'rxjs';
import { BusContext, callContext } from '../wire/context';
import { type PatternSpec, waysOf } from '../wire/contract';
import { callSeal } from '../wire/envelope';
import { BusError, type BusErrorCode, type WireError } from '../wire/errors';
import {
  encodeErrorReply,
  encodeReply,
  fromFields,
  type Incoming,
  isIdempotencyKey,
  isTooLarge,
  parseJson,
  writtenAt,
} from '../wire/message';
import { type BusLogger } from '../options';
import { throttled } from '../throttled';
import { type Acknowledger, type OutgoingReply } from './acknowledger';
import { type Entry } from './entry';
import { harmlessObject } from './plain-data';
import { type Replica } from './replica';

/** A message that was given to replicas more often than this brought them down, or will. */
const MOST_DELIVERIES = 3;
const WARN_MS = 1_000;

/** What a message brings; not yet judged. */
interface Content {
  readonly data?: unknown;
  readonly actor?: unknown;
}

/** Takes one message from what was read to the reply. */
export class Runner {
  private readonly patterns: ReadonlyMap<string, PatternSpec>;
  private readonly believed: ReadonlySet<string>;
  private readonly warn: BusLogger['warn'];

  /** @param handle calls the handler through Nest's pipeline: guards, interceptors, filters */
  constructor(
    private readonly replica: Replica,
    private readonly acknowledger: Acknowledger,
    private readonly handle: (pattern: string, data: object, context: BusContext) => Promise<unknown>,
  ) {
    this.patterns = new Map(Object.entries(replica.contract.patterns));
    this.believed = new Set(replica.actorsFrom);
    this.warn = throttled(WARN_MS, (message: string, facts?: object) => replica.logger.warn(message, facts));
  }

  /** Never rejects: whatever happens is replied, logged, or both, and the message leaves its stream. */
  async run(entry: Entry): Promise<void> {
    const message = fromFields(entry.fields);
    try {
      await this.judge(entry, message);
    } catch (fault) {
      this.replica.logger.error('the bus failed', { message_id: message.id, entry: entry.id, err: fault });
      this.acknowledger.finish(entry, undefined);
    }
  }

  private async judge(entry: Entry, message: Incoming): Promise<void> {
    const started = performance.now();
    const { caller, lane } = entry.source;
    // Redis' time is reckoned, and may have been set back: no message is from the future, nor lives longer than it may.
    const { callee, commands, onEvent, sealer } = this.replica;
    const age = Math.max(0, commands.clock.now() - writtenAt(entry.id));
    const route = { callee, caller, lane };
    const opened = sealer.open(message.sealed, callSeal(route, message.head));
    if (opened === undefined) return this.drop(entry);
    const spec = this.patterns.get(message.pattern ?? '');
    const event = { pattern: spec && message.pattern ? message.pattern : 'unknown', caller, lane };
    if (entry.deliveries > MOST_DELIVERIES && message.id !== undefined) {
      return this.deadLetter(entry, message, message.id);
    }
    if (message.ttl !== undefined && age > message.ttl) {
      this.expire(entry, message);
      return onEvent?.({ type: 'handled', ...event, code: 'expired', ms: 0 });
    }

    const { traceparent: parent } = message;
    const trace = parent === undefined ? undefined : { parent, own: nextSpan(parent) };
    let code = 'ok';
    let reply = '';
    try {
      reply = await this.reply(entry, message, opened, started - age, trace?.own);
    } catch (error) {
      const wire = this.encode(error, entry, message);
      code = wire.code;
      if (message.id !== undefined) reply = encodeErrorReply(message.id, wire);
    }
    this.acknowledger.finish(entry, replyTo(message, reply));
    onEvent?.({ type: 'handled', ...event, code, ms: performance.now() - started, trace });
  }

  /** @param opened what was under the seal */
  private async reply(
    { source: { caller, lane } }: Entry,
    message: Incoming,
    opened: string,
    sent: number,
    traceparent: string | undefined,
  ): Promise<string> {
    const { id, pattern, ttl, idempotencyKey } = message;
    if (id === undefined || ttl === undefined) throw BusError.of('validation_failed');
    const spec = pattern === undefined ? undefined : this.patterns.get(pattern);
    const ways = spec ? waysOf(spec).filter((way) => way.lane === lane) : [];
    if (pattern === undefined || !spec || ways.length === 0) throw BusError.of('unknown_pattern');
    if (!ways.some((way) => way.callers.includes(caller))) throw BusError.of('forbidden_caller');
    if (idempotencyKey !== undefined && !isIdempotencyKey(idempotencyKey)) throw BusError.of('validation_failed');
    if (isTooLarge(opened)) throw BusError.of('message_too_large');
    const content = parseJson(opened) as Content | null | undefined;
    const plain = requireObject(content?.data);
    const actor = this.believed.has(caller) ? await this.actorOf(content) : undefined;

    const deadline = sent + ttl;
    const requestId = message.requestId ?? id;
    const { tracestate } = message;
    const context = new BusContext(id, pattern, caller, actor, idempotencyKey, requestId, traceparent);
    const reply = await callContext.run({ requestId, traceparent, tracestate, actor, deadline }, async () => {
      const { validate } = this.replica;
      const data = validate ? await validate(spec.request, plain) : plain;
      const result = await this.handle(pattern, data, context);
      return encodeReply(id, isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result);
    });
    if (isTooLarge(reply)) throw new RangeError(`the reply has ${reply.length} characters`);
    return reply;
  }

  private async actorOf(content: Content | null | undefined): Promise<object | undefined> {
    if (content?.actor === undefined) return undefined;
    const plain = requireObject(content.actor);
    const { actor, validate } = this.replica;
    return actor && validate ? validate(actor, plain) : plain;
  }

  private encode(error: unknown, entry: Entry, message: Incoming): WireError {
    const { caller } = entry.source;
    const { id: message_id, requestId: request_id, pattern } = message;
    const about = { message_id, request_id, entry: entry.id, caller, pattern };
    try {
      const wire = this.replica.encodeError?.(error) ?? (error instanceof BusError ? error.wire : undefined);
      if (wire && wire.code !== 'internal') return wire;
      this.replica.logger.error('handling a message failed', { ...about, err: error });
    } catch (fault) {
      this.replica.logger.error('encoding an error failed', { ...about, err: fault });
    }
    return { code: 'internal' satisfies BusErrorCode };
  }

  /** Given to a replica for the first time, it was surely never run. A later time, nobody knows: then nothing is said. */
  private expire(entry: Entry, message: Incoming): void {
    const code = 'service_unavailable' satisfies BusErrorCode;
    const reply = entry.deliveries === 1 && message.id !== undefined ? encodeErrorReply(message.id, { code }) : '';
    this.acknowledger.finish(entry, replyTo(message, reply), true);
  }

  /** Takes a message off its stream that somebody altered, moved or made up, and tells nobody. */
  private drop(entry: Entry): void {
    const { caller, lane } = entry.source;
    this.acknowledger.finish(entry, undefined);
    this.replica.onEvent?.({ type: 'dropped', what: 'message', peer: caller });
    this.warn('dropped a message that is not sealed with our keys', { entry: entry.id, caller, lane });
  }

  /** Gives a message up: it brought down, or lost, every replica that had it. An operator may give it another chance. */
  private deadLetter(entry: Entry, message: Incoming, id: string): void {
    const {
      source: { caller, lane },
      deliveries,
    } = entry;
    const pattern = this.patterns.has(message.pattern ?? '') ? message.pattern : 'unknown';
    const facts = { message_id: id, request_id: message.requestId, entry: entry.id, caller, lane, pattern, deliveries };
    this.replica.logger.error('gave up a message that no replica answered', facts);
    this.acknowledger.deadLetter(
      entry,
      replyTo(message, encodeErrorReply(id, { code: 'internal' satisfies BusErrorCode })),
    );
  }
}

/** The same trace, in a span of its own (W3C Trace Context 3.4). */
function nextSpan(traceparent: string): string {
  const [version, trace, , flags] = traceparent.split('-');
  return `${version}-${trace}-${randomBytes(8).toString('hex')}-${flags}`;
}

function replyTo({ id, reply: to }: Incoming, json: string): OutgoingReply | undefined {
  return json === '' || id === undefined || to === undefined ? undefined : { to, json };
}

function requireObject(value: unknown): object {
  const object = harmlessObject(value);
  if (!object) throw BusError.of('validation_failed');
  return object;
}
