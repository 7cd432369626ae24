import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { findHttpFault, MAX_HEADERS } from './http-faults';
import { ignoredUpgrade, messagesThatMayUpgrade, UPGRADES } from './http-upgrades';

/** Who was answered for the last time may finish sending for this long, so that they can read the answer. */
const LINGER_MS = 5_000;

/** While connections keep coming: somebody who opens one for each request is going to be refused anyway. */
const MOST_TURNS = 100;

export interface DrainOptions {
  /** A connection on which nothing comes for so long is closed. Who sends sooner is answered, for the last time. */
  readonly idleMs: number;
  /** Then whatever is left is cut off. */
  readonly limitMs: number;
}

export interface HttpServerOptions extends ServerOptions {
  /** Which WebSocket handshakes are handed over by `upgradeOf`; all other upgrades are ignored (RFC 9110 7.8). */
  readonly upgrades?: (request: IncomingMessage) => boolean;
}

/** What is known of a connection. */
interface Connection {
  /** The newest response that has not left yet. */
  response?: ServerResponse;
  /** How much had been received when the last response left. */
  received: number;
  /** Nothing that comes is served any more. */
  over: boolean;
}

/**
 * An HTTP server that drops no header unseen and ends without cutting anybody off. A connection that is closed while the
 * other side is still sending is reset, and with a reset an answer may be lost that had already arrived (RFC 9112 9.6).
 */
export class HttpServer {
  readonly server: Server;
  readonly #connections = new Map<Socket, Connection>();
  #accepted = 0;
  /** For how long connections may be idle, once it ends. */
  #draining: number | undefined;

  /** @param listener told of requests with a fault too, so that it can say so; of none that comes after one */
  constructor(
    private readonly listener: RequestListener,
    { upgrades, ...options }: HttpServerOptions = {},
  ) {
    // While an earlier answer is under way on the same connection, there is none to hand over.
    const wanted = (request: IncomingMessage): boolean =>
      upgrades?.(request) === true && this.#connections.get(request.socket)?.response === undefined;
    this.server = createServer(
      { ...options, IncomingMessage: messagesThatMayUpgrade(wanted), joinDuplicateHeaders: true },
      (request, response) => this.#serve(request, response),
    );
    if (upgrades)
      this.server.on('upgrade', (request: IncomingMessage, _socket, head: Buffer) => this.#upgrade(request, head));
    // One more than is admitted: Node drops what comes after so many, and then there is one too many to be seen.
    this.server.maxHeadersCount = MAX_HEADERS + 1;
    this.server.on('connection', (socket: Socket) => {
      const connection: Connection = { received: 0, over: false };
      this.#connections.set(socket, connection);
      this.#accepted++;
      if (this.#draining !== undefined) closeWhenIdle(socket, connection, this.#draining);
      socket.once('close', () => this.#connections.delete(socket));
      // Node calls this after an answer with `Connection: close`.
      socket.destroySoon = () => {
        connection.over = true;
        endGently(socket);
      };
    });
  }

  /**
   * Takes no more connections, and answers what comes on those it has with `Connection: close`. Resolves when all are
   * closed: idle ones after a while, the others when they have their answer.
   */
  async drain({ idleMs, limitMs }: DrainOptions): Promise<void> {
    // What the system has accepted for us is taken over first: it would be reset. So would be who comes back after a last
    // answer, hence there is none before.
    for (let last = -1, turns = 0; last !== this.#accepted && turns < MOST_TURNS; turns++) {
      last = this.#accepted;
      await turn();
    }
    // Not `close` of HTTP, which closes idle connections at once, also those on which a request is on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.server, () => resolve()));
    this.#draining = idleMs;
    for (const [socket, connection] of this.#connections) {
      if (connection.response) sayLast(connection.response, true);
      else closeWhenIdle(socket, connection, idleMs);
    }
    // Node's `closeAllConnections` does not know those that it has let go of.
    const limit = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, limitMs);
    await closed;
    clearTimeout(limit);
    this.server.close();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (!connection || connection.over) return void request.resume();
    this.#begin(connection, request.socket, response);
    // Behind a head that asks for an upgrade, Node's parser drops what came with it: what follows cannot be trusted.
    if (findHttpFault(request) || ignoredUpgrade(request)) {
      connection.over = true;
      sayLast(response, true);
    }
    this.listener(request, response);
  }

  /** Node has let go of the connection, so what it does around an answer is done here. The answer is the last one. */
  #upgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    UPGRADES.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    sayLast(response, true);
    socket.on('error', () => undefined);
    socket.on('drain', () => response.emit('drain'));
    response.once('finish', () => {
      socket.resume();
      socket.destroySoon();
    });
    this.#serve(request, response);
  }

  #begin(connection: Connection, socket: Socket, response: ServerResponse): void {
    if (this.#draining !== undefined) {
      // Of requests that were sent without waiting for answers, only the newest may be told to be the last.
      if (connection.response) sayLast(connection.response, false);
      sayLast(response, true);
    }
    connection.response = response;
    response.once('close', () => {
      if (connection.response !== response) return;
      delete connection.response;
      connection.received = socket.bytesRead;
      if (this.#draining !== undefined) closeWhenIdle(socket, connection, this.#draining);
    });
  }
}

/** Unless it is not idle any more by then. */
function closeWhenIdle(socket: Socket, connection: Connection, idleMs: number): void {
  const close = (): void => {
    if (!connection.response && socket.bytesRead === connection.received) socket.destroy();
  };
  // When what has arrived was read.
  setTimeout(() => setImmediate(close), idleMs).unref();
}

function sayLast(response: ServerResponse, last: boolean): void {
  if (!response.headersSent) response.shouldKeepAlive = !last;
}

/** Says that nothing more is to come, and closes when the other side has said so too, or has had time to. */
export function endGently(socket: Duplex): void {
  if (socket.writableEnded) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}
