import { type Lane } from './contract';

/** Which way a message goes. */
export interface Route {
  readonly callee: string;
  readonly caller: string;
  readonly lane: Lane;
}

/** What of a message stands outside the seal, and decides what the sealed part means. */
export interface Bound {
  readonly id?: string;
  readonly pattern?: string;
  readonly reply?: string;
  readonly idempotencyKey?: string;
  readonly requestId?: string;
}

/**
 * What a message is sealed for: moved to another stream or caller, or under another pattern, it does not open. None of
 * these hold a line break where we seal, so that two different messages never give one text.
 */
export function callSeal({ callee, caller, lane }: Route, message: Bound): string {
  const { id = '', pattern = '', reply = '', idempotencyKey = '', requestId = '' } = message;
  return ['call', callee, caller, lane, id, pattern, reply, idempotencyKey, requestId].join('\n');
}

/** What an answer is sealed for: it opens as the answer to that one message. */
export function replySeal({ callee, caller }: Pick<Route, 'callee' | 'caller'>, id: string): string {
  return ['reply', callee, caller, id].join('\n');
}

/** What of a message is sealed, from its two parts in JSON. */
export function contentText(data: string, actor: string | undefined): string {
  return actor === undefined ? `{"data":${data}}` : `{"data":${data},"actor":${actor}}`;
}
