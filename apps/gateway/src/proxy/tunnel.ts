import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endGently } from '@puerta/observability';
import type { EndReason } from './live-connections';
import { closeFrame, Frames } from './tunnel-frames';

/** For a frame that has begun before a tunnel is ended; then it is cut. */
const FRAME_MS = 500;

/** A peer that has vanished without a word is noticed after this long and ten more seconds. */
const KEEP_ALIVE_MS = 30_000;

/** What a client is told of the end (RFC 6455 7.4.1, IANA's registry of WebSocket close codes). */
const CLOSE_CODES: Readonly<Partial<Record<EndReason, number>>> = { shutdown: 1001, auth_unavailable: 1013 };
const POLICY = 1008;

export type TunnelEnd = EndReason | 'client_too_slow' | undefined;

export interface TunnelOptions {
  readonly client: Socket;
  readonly upstream: Duplex;
  /** For how long a side may take nothing while there is something for it. */
  readonly stuckMs: number;
  /** Told of every piece that a client gets. */
  readonly passed: (bytes: number) => void;
  /** Told when both connections are closed, and why if it was us. */
  readonly closed: (reason: TunnelEnd) => void;
}

/**
 * A WebSocket after its handshake: bytes pass both ways, as they come and no faster than they are taken. It may be silent for
 * as long as both sides like.
 */
export class Tunnel {
  readonly #frames = new Frames();
  #ending: TunnelEnd;
  #timer: NodeJS.Timeout | undefined;
  #open = 2;

  constructor(private readonly options: TunnelOptions) {
    const { client, upstream, passed } = options;
    if ('setKeepAlive' in upstream) (upstream as Socket).setKeepAlive(true, KEEP_ALIVE_MS);
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.on('data', (chunk: Buffer) => this.#pass(chunk, client, upstream, 'upstream_timeout'));
    upstream.on('data', (chunk: Buffer) => {
      const length = this.#frames.follow(chunk, this.#ending !== undefined);
      passed(length);
      this.#pass(chunk.subarray(0, length), upstream, client, 'client_too_slow');
      if (this.#ending && this.#frames.whole) this.#sayClose();
    });
    this.#follow(client, upstream);
    this.#follow(upstream, client);
    client.resume();
  }

  /** Ends it, with a Close frame if the upstream is not in the middle of one of its own for long. */
  end(reason: Exclude<TunnelEnd, undefined>): void {
    if (this.#ending) return;
    this.#ending = reason;
    const { client } = this.options;
    // What the client sends from now on is nobody's.
    client.removeAllListeners('data').resume();
    if (this.#frames.whole) this.#sayClose();
    else this.#timer = setTimeout(() => this.#destroy(), FRAME_MS);
  }

  #sayClose(): void {
    const { client, upstream } = this.options;
    const reason = this.#ending as EndReason;
    upstream.removeAllListeners('data');
    client.write(closeFrame(CLOSE_CODES[reason] ?? POLICY, reason));
    endGently(client);
    upstream.destroy();
  }

  #pass(chunk: Buffer, from: Duplex, to: Duplex, stuck: TunnelEnd): void {
    if (to.write(chunk) || to.destroyed) return;
    from.pause();
    const timer = setTimeout(() => {
      this.#ending ??= stuck;
      this.#destroy();
    }, this.options.stuckMs);
    const done = (): void => {
      clearTimeout(timer);
      to.off('drain', done).off('close', done);
      from.resume();
    };
    to.on('drain', done).on('close', done);
  }

  /** When one side has said its last, or has gone, the other has a moment to do so too. */
  #follow(side: Duplex, other: Duplex): void {
    side.on('error', () => undefined);
    side.on('end', () => endGently(other));
    side.on('close', () => {
      endGently(other);
      if (--this.#open > 0) return;
      clearTimeout(this.#timer);
      this.options.closed(this.#ending);
    });
  }

  #destroy(): void {
    this.options.client.destroy();
    this.options.upstream.destroy();
  }
}
