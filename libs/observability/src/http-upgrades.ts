import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A WebSocket handshake whose connection the server has let go of: what answers it may speak WebSocket from then on. */
export interface Upgrade {
  readonly socket: Socket;
  /** What came with the head, and behind it. Nothing may: a client waits for its answer (RFC 6455 4.1). */
  readonly head: Buffer;
}

export const UPGRADES = new WeakMap<IncomingMessage, Upgrade>();

/** The handshake that a request is; undefined of all others. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return UPGRADES.get(request);
}

/**
 * Node hands every request with `Upgrade` over to whoever listens for upgrades, without its body; or, where nobody does,
 * serves it as one that had not asked. Which of both is better decided for each request, by its head (Node 24 has
 * `shouldUpgradeCallback`); Node reads it in `upgrade`, once the head is there.
 *
 * @param wanted is asked of WebSocket handshakes alone
 */
export function messagesThatMayUpgrade(wanted: (request: IncomingMessage) => boolean) {
  return class Message extends IncomingMessage {
    // No private field: the constructor of IncomingMessage sets `upgrade` before there are any.
    declare asks?: boolean;

    get upgrade(): boolean {
      return this.asks === true && (this.method === 'CONNECT' || (isHandshake(this) && wanted(this)));
    }

    set upgrade(asks: boolean | null) {
      this.asks = asks === true;
    }
  };
}

/** Whether a request asks for an upgrade that it does not get. */
export function ignoredUpgrade(request: IncomingMessage & { readonly asks?: boolean }): boolean {
  return request.asks === true && !UPGRADES.has(request);
}

/** RFC 6455 4.1. One with a body is none: behind its head there would be something that belongs to nobody. */
function isHandshake({ method, httpVersion, headers }: IncomingMessage): boolean {
  const { upgrade, 'content-length': length, 'transfer-encoding': coding } = headers;
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    upgrade?.toLowerCase() === 'websocket' &&
    coding === undefined &&
    (length === undefined || length === '0')
  );
}
