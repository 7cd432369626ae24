import { type WireError, isWireError } from './errors';
import { isReplicaId } from '../options';

/** What of a message is to be read by whoever looks, and cannot be altered. */
export interface Head {
  readonly id: string;
  readonly pattern: string;
  /** The replica that waits for the reply. */
  readonly reply: string;
  readonly idempotencyKey?: string | undefined;
  /** Where the message is part of a request; else it counts as one of its own. */
  readonly requestId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** What tracing systems add to it, passed on as it came. */
  readonly tracestate?: string | undefined;
}

/** A message as it was read; anything may be missing or nonsense. */
export interface Incoming extends Partial<Head> {
  /** As it was read: what is sealed is sealed for it. */
  readonly head: string;
  readonly sealed: string;
  readonly ttl: number | undefined;
}

export interface Reply {
  readonly id: string;
  readonly error?: WireError;
  readonly ok?: unknown;
}

const MESSAGE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** W3C Trace Context 3.3.1: at most 512 visible characters are passed on. */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const TTL = /^[1-9]\d{0,6}$/;

/** How large may be what is sealed in a message, or in a reply. Larger things belong in a store, and their key on the bus. */
export const MOST_BYTES = 262_144;

/** The longest time to live that the wire carries, in ms: close to three hours. */
export const MOST_TTL_MS = 9_999_999;

/** Six lines, empty where there is nothing, and a seventh where there is a tracestate. No part holds a line break where we write it. */
export function encodeHead({
  id,
  pattern,
  reply,
  idempotencyKey = '',
  requestId = '',
  traceparent = '',
  tracestate = '',
}: Head): string {
  const head = `${id}\n${pattern}\n${reply}\n${idempotencyKey}\n${requestId}\n${traceparent}`;
  return tracestate === '' ? head : `${head}\n${tracestate}`;
}

/** Takes from an entry what has the right form; other fields, and parts of a wrong form, count as missing. */
export function fromFields(fields: readonly string[]): Incoming {
  let [head, sealed, ttl] = ['', '', ''];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const value = fields[i + 1] as string;
    if (fields[i] === 'head') head = value;
    else if (fields[i] === 'sealed') sealed = value;
    else if (fields[i] === 'ttl') ttl = value;
  }
  const lines = head.split('\n');
  // A seventh line stands for itself alone: a line break in one of the others would move it.
  const traced = lines.length === 7 && TRACEPARENT.test(lines[5] ?? '') && TRACESTATE.test(lines[6] ?? '');
  const whole = lines.length === 6 || traced;
  const [id = '', pattern = '', reply = '', key = '', request = '', trace = '', state = ''] = whole ? lines : [];
  return {
    head,
    sealed,
    ttl: TTL.test(ttl) ? Number(ttl) : undefined,
    id: MESSAGE_ID.test(id) ? id : undefined,
    pattern,
    reply: isReplicaId(reply) ? reply : undefined,
    // Kept even when malformed: a message must not lose its key and be run as one without.
    idempotencyKey: key === '' ? undefined : key,
    requestId: REQUEST_ID.test(request) ? request : undefined,
    traceparent: TRACEPARENT.test(trace) ? trace : undefined,
    tracestate: state === '' ? undefined : state,
  };
}

export function isIdempotencyKey(value: string): boolean {
  return IDEMPOTENCY_KEY.test(value);
}

/** @throws TypeError when the value is not JSON (a cycle, a bigint) */
export function encodeReply(id: string, value: unknown): string {
  // The id is a UUID: it needs no escaping.
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined ? `{"id":"${id}"}` : `{"id":"${id}","ok":${json}}`;
}

export function encodeErrorReply(id: string, error: WireError): string {
  return JSON.stringify({ id, error });
}

/** @returns undefined when the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** @returns what is a reply of what was under one seal */
export function decodeReplies(text: string): Reply[] {
  const replies = parseJson(text);
  return Array.isArray(replies) ? replies.filter(isReply) : [];
}

function isReply(value: unknown): value is Reply {
  const reply = value as Partial<Reply> | null;
  return typeof reply?.id === 'string' && (reply.error === undefined || isWireError(reply.error));
}

/** Whether a text takes more than `MOST_BYTES` in UTF-8; counts them only when it is close. */
export function isTooLarge(text: string): boolean {
  return text.length > MOST_BYTES || (text.length * 3 > MOST_BYTES && Buffer.byteLength(text) > MOST_BYTES);
}

/** When an entry was written, by Redis' clock: the first part of its id. */
export function writtenAt(entryId: string): number {
  return Number(entryId.slice(0, entryId.indexOf('-')));
}
