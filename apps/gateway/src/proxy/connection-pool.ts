import type { LookupFunction } from 'node:net';
import { buildConnector, Client } from 'undici';

/**
 * An address that a name had may be used for this long: what CoreDNS, the name server of Kubernetes, lets names live. A
 * connection that is older takes no further request, and a new one asks for the name again.
 */
const MAX_AGE_MS = 30_000;

/** An answer with a thousand headers is still an answer. */
const MAX_HEADER_BYTES = 262_144;

/** One client may have this part of all connections, busy or waited for: no one of them keeps the others out. */
const PART_OF_ONE = 1 / 4;

/** One more request waits for each that is served; the others are told to come back. */
const WAITING_PER_CONNECTION = 1;

export interface PoolOptions {
  /** Most connections of this process, to all upstreams together. */
  readonly maxConnections: number;
  /** Most of them that are kept while nobody needs them. */
  readonly maxIdle: number;
  /** For tests: how names become addresses. */
  readonly lookup?: LookupFunction;
  readonly maxAgeMs?: number;
}

/** Whom a connection is for. */
export interface ConnectionTarget {
  readonly origin: string;
  readonly connectMs: number;
}

/** One connection to an upstream, which serves one request at a time. */
export interface Connection {
  readonly client: Client;
  readonly target: ConnectionTarget;
  readonly openedAt: number;
  /** Whether it broke: undici takes a reset for the end of an answer that has no length. */
  broken: boolean;
  /** For which client it is in use. */
  holder?: string | undefined;
}

interface Waiting {
  readonly target: ConnectionTarget;
  readonly holder: string | undefined;
  readonly ready: (connection: Connection) => void;
}

/**
 * The connections to all upstreams. undici's own pools count for one origin each; these limits are of the whole process,
 * as the services behind it are told (`GATEWAY_HTTP_CLIENT_MAX_CONNECTIONS`, `…_MAX_KEEPALIVE_CONNECTIONS`).
 */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #maxAgeMs: number;
  readonly #idleOf = new Map<ConnectionTarget, Connection[]>();
  /** All idle ones, that which has been idle longest first. */
  readonly #idle = new Set<Connection>();
  readonly #waiting = new Set<Waiting>();
  readonly #heldBy = new Map<string, number>();
  readonly #mostOfOne: number;
  #open = 0;
  #maxIdle: number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#maxIdle = options.maxIdle;
    this.#mostOfOne = Math.ceil(options.maxConnections * PART_OF_ONE);
    this.#maxAgeMs = options.maxAgeMs ?? MAX_AGE_MS;
  }

  get counts(): { readonly busy: number; readonly idle: number; readonly waiting: number } {
    return { busy: this.#open - this.#idle.size, idle: this.#idle.size, waiting: this.#waiting.size };
  }

  /**
   * Gives a connection, at once if there is one to give.
   *
   * @param ready is called with it; who gets it must give it back by `release` or `discard`
   * @param holder the client that it is for, of whom no more than a quarter of all are
   * @returns undefined when it was given at once; `full` when too many wait already, `too_many` when the client has its part;
   *   else how to give up waiting
   */
  acquire(
    target: ConnectionTarget,
    ready: (connection: Connection) => void,
    holder?: string,
  ): 'full' | 'too_many' | (() => void) | undefined {
    if (holder !== undefined && (this.#heldBy.get(holder) ?? 0) >= this.#mostOfOne) return 'too_many';
    const wanted = { target, ready, holder };
    const connection = this.#take(target);
    if (connection) {
      this.#count(holder, 1);
      this.#give(connection, wanted);
      return undefined;
    }
    if (this.#waiting.size >= this.#options.maxConnections * WAITING_PER_CONNECTION) return 'full';
    this.#waiting.add(wanted);
    this.#count(holder, 1);
    return () => {
      if (this.#waiting.delete(wanted)) this.#count(holder, -1);
    };
  }

  /** Takes back a connection that may serve others. */
  release(connection: Connection): void {
    this.#leave(connection);
    if (performance.now() - connection.openedAt > this.#maxAgeMs) return this.discard(connection);
    const [next] = this.#waiting;
    if (next?.target === connection.target) return this.#give(connection, next);
    // Who waits longest is served first, whomever they wait for.
    if (next || this.#idle.size >= this.#maxIdle) return this.discard(connection);
    this.#idle.add(connection);
    this.#stack(connection.target).push(connection);
  }

  /** Takes back a connection that serves nobody any more. */
  discard(connection: Connection): void {
    this.#leave(connection);
    this.#open -= 1;
    void connection.client.destroy().catch(() => undefined);
    const [next] = this.#waiting;
    if (next) this.#give(this.#connect(next.target), next);
  }

  /** Closes what is idle; connections in use are closed when they come back. */
  close(): void {
    this.#maxIdle = 0;
    for (const connection of [...this.#idle]) this.#drop(connection);
  }

  #give(connection: Connection, to: Waiting): void {
    this.#waiting.delete(to);
    connection.holder = to.holder;
    to.ready(connection);
  }

  #leave(connection: Connection): void {
    this.#count(connection.holder, -1);
    connection.holder = undefined;
  }

  #count(holder: string | undefined, by: 1 | -1): void {
    if (holder === undefined) return;
    const count = (this.#heldBy.get(holder) ?? 0) + by;
    if (count > 0) this.#heldBy.set(holder, count);
    else this.#heldBy.delete(holder);
  }

  #take(target: ConnectionTarget): Connection | undefined {
    const stack = this.#stack(target);
    for (let known = stack.pop(); known; known = stack.pop()) {
      this.#idle.delete(known);
      if (performance.now() - known.openedAt <= this.#maxAgeMs) return known;
      this.discard(known);
    }
    if (this.#waiting.size > 0) return undefined;
    if (this.#open >= this.#options.maxConnections) {
      const [oldest] = this.#idle;
      if (!oldest) return undefined;
      this.#drop(oldest);
    }
    return this.#connect(target);
  }

  #connect(target: ConnectionTarget): Connection {
    const { lookup } = this.#options;
    const connector = buildConnector({ timeout: target.connectMs, ...(lookup && { lookup }) });
    const client = new Client(target.origin, {
      connect: (options, connected) =>
        connector(options, (...result) => {
          // Before undici hears of it.
          result[1]?.once('error', () => (connection.broken = true));
          connected(...result);
        }),
      maxHeaderSize: MAX_HEADER_BYTES,
      pipelining: 1,
    });
    const connection: Connection = { client, target, openedAt: performance.now(), broken: false };
    this.#open += 1;
    // The other side has closed it, or undici has, after some seconds without a request.
    client.on('disconnect', () => this.#idle.has(connection) && this.#drop(connection));
    return connection;
  }

  #drop(connection: Connection): void {
    this.#idle.delete(connection);
    const stack = this.#stack(connection.target);
    const at = stack.indexOf(connection);
    if (at >= 0) stack.splice(at, 1);
    this.discard(connection);
  }

  #stack(target: ConnectionTarget): Connection[] {
    let stack = this.#idleOf.get(target);
    if (!stack) this.#idleOf.set(target, (stack = []));
    return stack;
  }
}
