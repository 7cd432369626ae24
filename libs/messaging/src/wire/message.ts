import { type WireError, isWireError } from './errors';
import { isReplicaId } from '../options';

/** A message as its sender knows it. The time to live is added by the script that writes it. */
export interface Outgoing {
  readonly id: string;
  readonly pattern: string;
  /** Data and actor. */
  readonly sealed: string;
  /** The replica that waits for the answer. */
  readonly reply: string;
  /** Where the message is part of a request; else it counts as one of its own. */
  readonly requestId?: string;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
}

/** A message as it was read; anything may be missing or nonsense. */
export interface Incoming {
  id?: string;
  pattern?: string;
  sealed?: string;
  reply?: string;
  requestId?: string;
  traceparent?: string;
  idempotencyKey?: string;
  ttl?: number;
}

export interface Reply {
  readonly id: string;
  readonly error?: WireError;
  readonly ok?: unknown;
}

/** An answer as it was heard: another such text is inside. */
export interface SealedReply {
  readonly id: string;
  readonly sealed: string;
}

const MESSAGE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const TTL = /^[1-9]\d{0,6}$/;

/** How large may be what is sealed in a message, or in an answer. Larger things belong in a store, and their key on the bus. */
export const MOST_BYTES = 262_144;

/** The longest time to live that the wire carries, in ms: close to three hours. */
export const MOST_TTL_MS = 9_999_999;

/** Fields and values, alternating, as XADD takes them. */
export function toFields(message: Outgoing): string[] {
  const fields = ['id', message.id, 'pattern', message.pattern, 'sealed', message.sealed, 'reply', message.reply];
  if (message.requestId !== undefined) fields.push('request', message.requestId);
  if (message.traceparent !== undefined) fields.push('trace', message.traceparent);
  if (message.idempotencyKey !== undefined) fields.push('key', message.idempotencyKey);
  return fields;
}

/** Takes from an entry what has the right form; other fields, and fields of a wrong form, count as missing. */
export function fromFields(fields: readonly string[]): Incoming {
  const message: Incoming = {};
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const value = fields[i + 1] as string;
    switch (fields[i]) {
      case 'id':
        if (MESSAGE_ID.test(value)) message.id = value;
        break;
      case 'pattern':
        message.pattern = value;
        break;
      case 'sealed':
        message.sealed = value;
        break;
      case 'reply':
        if (isReplicaId(value)) message.reply = value;
        break;
      case 'request':
        if (REQUEST_ID.test(value)) message.requestId = value;
        break;
      case 'trace':
        if (TRACEPARENT.test(value)) message.traceparent = value;
        break;
      case 'key':
        // Kept even when malformed: a message must not lose its key and be run as one without.
        message.idempotencyKey = value;
        break;
      case 'ttl':
        if (TTL.test(value)) message.ttl = Number(value);
        break;
    }
  }
  return message;
}

export function isIdempotencyKey(value: string): boolean {
  return IDEMPOTENCY_KEY.test(value);
}

/** @throws TypeError when the value is not JSON (a cycle, a bigint) */
export function encodeAnswer(id: string, value: unknown): string {
  // The id is a UUID: it needs no escaping.
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined ? `{"id":"${id}"}` : `{"id":"${id}","ok":${json}}`;
}

export function encodeRefusal(id: string, error: WireError): string {
  return JSON.stringify({ id, error });
}

export function encodeSealed(id: string, sealed: string): string {
  return JSON.stringify({ id, sealed });
}

/** @returns undefined when the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is not a reply */
export function decodeReply(text: string): Reply | undefined {
  const reply = parseJson(text) as Reply | null | undefined;
  return typeof reply?.id === 'string' && (reply.error === undefined || isWireError(reply.error)) ? reply : undefined;
}

/** @returns undefined for what does not even look like a sealed reply */
export function decodeSealed(text: string): SealedReply | undefined {
  const { id, sealed = '' } = (parseJson(text) ?? {}) as { id?: unknown; sealed?: unknown };
  return typeof id === 'string' && typeof sealed === 'string' ? { id, sealed } : undefined;
}

/** Whether a text takes more than `MOST_BYTES` in UTF-8; counts them only when it is close. */
export function isTooLarge(text: string): boolean {
  return text.length > MOST_BYTES || (text.length * 3 > MOST_BYTES && Buffer.byteLength(text) > MOST_BYTES);
}

/** When an entry was written, by Redis' clock: the first part of its id. */
export function writtenAt(entryId: string): number {
  return Number(entryId.slice(0, entryId.indexOf('-')));
}
