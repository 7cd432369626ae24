import { type Lane } from './contract';
import { type Reply, decodeReplies } from './message';
import { type Sealer } from './sealer';

/** Which way a message goes. */
export interface Route {
  readonly callee: string;
  readonly caller: string;
  readonly lane: Lane;
}

/** Where replies go: to one replica of a caller. */
export interface ReplyRoute {
  readonly callee: string;
  readonly caller: string;
  readonly replica: string;
}

/** What a message is sealed for: moved to another stream or caller, or with another head, it does not open. */
export function callSeal({ callee, caller, lane }: Route, head: string): string {
  return `call\n${callee}\n${caller}\n${lane}\n${head}`;
}

/** What of a message is sealed, from its two parts in JSON. */
export function contentText(data: string, actor: string | undefined): string {
  return actor === undefined ? `{"data":${data}}` : `{"data":${data},"actor":${actor}}`;
}

/** What is published on the channel of a caller's replica: under one seal, any number of replies, each of them in JSON. */
export function sealReplies(sealer: Sealer, route: ReplyRoute, replies: readonly string[]): string {
  return `${route.callee}\n${sealer.seal(`[${replies.join(',')}]`, replySeal(route))}`;
}

/** @returns which callee says that it replies; and its replies, unless it did not seal them for this replica */
export function openReplies(
  sealer: Sealer,
  to: Omit<ReplyRoute, 'callee'>,
  text: string,
): { callee: string; replies: Reply[] | undefined } {
  const [callee = '', sealed = ''] = text.split('\n', 2);
  const opened = sealer.open(sealed, replySeal({ callee, ...to }));
  return { callee, replies: opened === undefined ? undefined : decodeReplies(opened) };
}

function replySeal({ callee, caller, replica }: ReplyRoute): string {
  return `reply\n${callee}\n${caller}\n${replica}`;
}
