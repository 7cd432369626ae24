import { isObservable, lastValueFrom } from 'rxjs';
import { BusContext, callContext } from '../wire/context';
import { type PatternSpec, waysOf } from '../wire/contract';
import { callSeal } from '../wire/envelope';
import { BusError, type BusErrorCode, type WireError } from '../wire/errors';
import { type OutgoingReply, type Acknowledger } from './acknowledger';
import { type Entry } from './entry';
import { type RedisClock } from '../connection/clock';
import {
  encodeAnswer, encodeRefusal, fromFields, type Incoming, isIdempotencyKey, isTooLarge, parseJson, writtenAt,
} from '../wire/message';
import { type BusLogger, type BusServerOptions } from '../options';
import { harmlessObject } from './plain-data';
import { throttled } from '../throttled';

/** A message that was given to replicas more often than this brought them down, or will. */
const MOST_DELIVERIES = 3;
const COMPLAIN_MS = 1_000;

/** What a message brings; not yet judged. */
interface Content {
  readonly data?: unknown;
  readonly actor?: unknown;
}

export interface RunnerOptions extends BusServerOptions {
  readonly replica: string;
  readonly logger: BusLogger;
  readonly clock: RedisClock;
  readonly acknowledger: Acknowledger;
  readonly settle: (entry: Entry) => void;
  /** Calls the handler through Nest's pipeline: guards, interceptors, filters. */
  readonly handle: (pattern: string, data: object, context: BusContext) => Promise<unknown>;
}

/** Takes one message from what was read to what is answered. */
export class Runner {
  private readonly patterns: ReadonlyMap<string, PatternSpec>;
  private readonly believed: ReadonlySet<string>;
  private readonly warn: BusLogger['warn'];

  constructor(private readonly options: RunnerOptions) {
    this.patterns = new Map(Object.entries(options.contract.patterns));
    this.believed = new Set(options.actorsFrom);
    this.warn = throttled(COMPLAIN_MS, (message: string, facts?: object) => options.logger.warn(message, facts));
  }

  /** Never rejects: whatever happens is answered, logged, or both, and the message leaves its stream. */
  async run(entry: Entry): Promise<void> {
    const message = fromFields(entry.fields);
    try {
      await this.judge(entry, message);
    } catch (fault) {
      const { acknowledger, logger, settle } = this.options;
      logger.error('the bus failed', { message_id: message.id, entry: entry.id, err: fault });
      acknowledger.finish(entry, undefined, settle);
    }
  }

  private async judge(entry: Entry, message: Incoming): Promise<void> {
    const started = performance.now();
    const { caller, lane } = entry.source;
    // Redis' time is reckoned, and may have been set back: no message is from the future, nor lives longer than it may.
    const age = Math.max(0, this.options.clock.now() - writtenAt(entry.id));
    const route = { callee: this.options.contract.name, caller, lane };
    const opened = this.options.sealer.open(message.sealed, callSeal(route, message.head));
    if (opened === undefined) return this.drop(entry);
    const spec = this.patterns.get(message.pattern ?? '');
    const event = { pattern: spec && message.pattern ? message.pattern : 'unknown', caller, lane };
    if (entry.deliveries > MOST_DELIVERIES && message.id !== undefined) {
      this.deadLetter(entry, message, message.id);
      this.options.onEvent?.({ type: 'dead_lettered', ...event });
      return;
    }
    if (message.ttl !== undefined && age > message.ttl) {
      this.expire(entry, message);
      this.options.onEvent?.({ type: 'handled', ...event, code: 'expired', ms: 0 });
      return;
    }

    let code = 'ok';
    let answer = '';
    try {
      answer = await this.answer(entry, message, opened, started - age);
    } catch (error) {
      const wire = this.encode(error, entry, message);
      code = wire.code;
      if (message.id !== undefined) answer = encodeRefusal(message.id, wire);
    }
    this.finish(entry, message, answer);
    this.options.onEvent?.({ type: 'handled', ...event, code, ms: performance.now() - started });
  }

  /** @param opened what was under the seal */
  private async answer(
    entry: Entry,
    message: Incoming,
    opened: string,
    sent: number,
  ): Promise<string> {
    const { caller, lane } = entry.source;
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
    const { traceparent } = message;
    const context = new BusContext(id, pattern, caller, actor, idempotencyKey, requestId, traceparent);
    const answer = await callContext.run({ requestId, traceparent, actor, deadline }, async () => {
      const data = this.options.validate ? await this.options.validate(spec.request, plain) : plain;
      const result = await this.options.handle(pattern, data, context);
      return encodeAnswer(id, isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result);
    });
    if (isTooLarge(answer)) throw new RangeError(`the answer has ${answer.length} characters`);
    return answer;
  }

  private async actorOf(content: Content | null | undefined): Promise<object | undefined> {
    if (content?.actor === undefined) return undefined;
    const plain = requireObject(content.actor);
    const { actor, validate } = this.options;
    return actor && validate ? validate(actor, plain) : plain;
  }

  private encode(error: unknown, entry: Entry, message: Incoming): WireError {
    const { caller } = entry.source;
    const { id: message_id, requestId: request_id, pattern } = message;
    const about = { message_id, request_id, entry: entry.id, caller, pattern };
    try {
      const wire = this.options.encodeError?.(error) ?? (error instanceof BusError ? error.wire : undefined);
      if (wire && wire.code !== 'internal') return wire;
      this.options.logger.error('handling a message failed', { ...about, err: error });
    } catch (fault) {
      this.options.logger.error('encoding an error failed', { ...about, err: fault });
    }
    return { code: 'internal' satisfies BusErrorCode };
  }

  /** Given to a replica for the first time, it was surely never run. A later time, nobody knows: then nothing is said. */
  private expire(entry: Entry, message: Incoming): void {
    const answer =
      entry.deliveries === 1 && message.id !== undefined
        ? encodeRefusal(message.id, { code: 'service_unavailable' satisfies BusErrorCode })
        : '';
    this.finish(entry, message, answer, this.options.replica);
  }

  /** Takes a message off its stream that somebody altered, moved or made up. He learns nothing by it. */
  private drop(entry: Entry): void {
    const { acknowledger, onEvent, settle } = this.options;
    const { caller, lane } = entry.source;
    acknowledger.finish(entry, undefined, settle);
    onEvent?.({ type: 'dropped', what: 'message', peer: caller });
    this.warn('dropped a message that is not sealed with our keys', { entry: entry.id, caller, lane });
  }

  /** Gives a message up: it brought down, or lost, every replica that had it. An operator may give it another chance. */
  private deadLetter(entry: Entry, message: Incoming, id: string): void {
    const { acknowledger, logger, settle } = this.options;
    const { requestId: request_id } = message;
    logger.error('gave up a message that no replica answered', {
      ...{ message_id: id, request_id, entry: entry.id, caller: entry.source.caller, lane: entry.source.lane },
      pattern: this.patterns.has(message.pattern ?? '') ? message.pattern : 'unknown',
      deliveries: entry.deliveries,
    });
    const reply = replyTo(message, encodeRefusal(id, { code: 'internal' satisfies BusErrorCode }));
    acknowledger.deadLetter(entry, reply, settle);
  }

  private finish(entry: Entry, message: Incoming, answer: string, onlyIfHeldBy?: string): void {
    this.options.acknowledger.finish(entry, replyTo(message, answer), this.options.settle, onlyIfHeldBy);
  }
}

function replyTo({ id, reply }: Incoming, answer: string): OutgoingReply | undefined {
  return answer === '' || id === undefined || reply === undefined ? undefined : { replica: reply, answer };
}

function requireObject(value: unknown): object {
  const object = harmlessObject(value);
  if (!object) throw BusError.of('validation_failed');
  return object;
}
