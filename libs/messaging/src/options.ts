import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type Lane, type ServiceContract } from './wire/contract';
import { type WireError } from './wire/errors';
import { type Sealer } from './wire/sealer';

/** Takes a sentence and facts about it. Facts never hold message data. */
export interface BusLogger {
  info(message: string, facts?: object): void;
  warn(message: string, facts?: object): void;
  error(message: string, facts?: object): void;
}

/** For metrics. Patterns are always ones of a contract (else `unknown`): no caller can invent label values. */
export type BusEvent =
  | {
      readonly type: 'handled';
      readonly pattern: string;
      readonly caller: string;
      readonly lane: Lane;
      /** `ok`, the code of the error, or `expired`: its time was up before it could start. */
      readonly code: string;
      readonly ms: number;
      /** The span that sent the message and the span that handled it, as `traceparent`s, where it is part of a trace. */
      readonly trace?: { readonly parent: string; readonly own: string } | undefined;
    }
  | {
      readonly type: 'called';
      readonly service: string;
      readonly pattern: string;
      readonly code: string;
      readonly ms: number;
    }
  /** Messages of dead replicas, or lost on their way to this one, that this replica took over. */
  | { readonly type: 'reclaimed'; readonly lane: Lane; readonly count: number }
  /** Moved to the dead letters: several replicas did not answer it, or Redis refuses the reply. */
  | { readonly type: 'dead_lettered'; readonly pattern: string; readonly caller: string; readonly lane: Lane }
  /** Did not open under our keys, or was not sealed at all: altered, moved, or made by somebody else. */
  | { readonly type: 'dropped'; readonly what: 'message' | 'reply'; readonly peer: string }
  | { readonly type: 'connection'; readonly name: string; readonly up: boolean };

/** What server and client have in common. */
export interface BusOptions {
  /** A URL: `redis://`, `redis-sentinel://` or `redis-cluster://`, `rediss…://` for TLS; see `parseRedisUrl`. */
  readonly redis: string;
  /** Begins every key and channel. */
  readonly prefix: string;
  /** Seals data, actors and replies, and opens no others. */
  readonly sealer: Sealer;
  readonly logger: BusLogger;
  /** Must not throw. */
  readonly onEvent?: (event: BusEvent) => void;
}

export interface BusServerOptions extends BusOptions {
  /** What this service answers. Every pattern must have a handler, and every handler a pattern. */
  readonly contract: ServiceContract;
  /** How many messages run at once, per lane. Default 64 fast; heavy, one less than there are cores, but 1 to 4. */
  readonly concurrency?: Partial<Readonly<Record<Lane, number>>>;
  /** Callers that are believed about the actor on whose behalf they ask. Default none. */
  readonly actorsFrom?: readonly string[];
  /** What an actor must be; `validate` makes it so. Without it handlers get the plain object. */
  readonly actor?: new () => object;
  /** Turns data into an instance of the pattern's class, or throws. Without it handlers get the plain object. */
  readonly validate?: <T extends object>(cls: new () => T, plain: object) => T | Promise<T>;
  /** The wire form of an error that callers may see; undefined for any other, which is logged and crosses as `internal`. */
  readonly encodeError?: (error: unknown) => WireError | undefined;
}

export interface BusClientOptions extends BusOptions {
  /** Who asks. */
  readonly service: string;
  /** Entries a stream may hold before calls are refused as `overloaded`. Default 10,000. */
  readonly maxStreamLength?: number;
  /** Makes what a call rejects with. Default `BusError`. */
  readonly decodeError?: (error: WireError) => Error;
}

/** Threads that libuv has for what takes long; more at once would only wait for one there. */
const POOL_THREADS = 4;

/** One core is left to event loops: a fast message needs little of it, but needs it now. */
function heavyAtOnce(): number {
  return Math.min(Math.max(1, availableParallelism() - 1), POOL_THREADS);
}

export const DEFAULTS = {
  maxStreamLength: 10_000,
  ttlMs: 10_000,
  concurrency: { fast: 64, heavy: heavyAtOnce() },
} as const;

const REPLICA = /^[A-Za-z0-9._-]{1,64}$/;

export function isReplicaId(value: string): boolean {
  return REPLICA.test(value);
}

/** Names a process: never shared by two, nor used again after a crash. */
export function newReplicaId(): string {
  return randomBytes(9).toString('base64url');
}
