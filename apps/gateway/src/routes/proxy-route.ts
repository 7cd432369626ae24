import type { Requirement } from '@puerta/auth';
import type { Limit } from './route-options';

/** Methods that a route of the proxy may admit. */
export const PROXIED_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type ProxiedMethod = (typeof PROXIED_METHODS)[number];

/** A prefix of paths that is forwarded to a service behind the gateway, and all that is decided about it. */
export interface ProxyRoute {
  /** Names the upstream in metrics, logs and as the audience of assertions: `^[a-z][a-z0-9-]{0,31}$`. */
  readonly name: string;
  /** `/api/v1/ingest`: this path and all below it. */
  readonly prefix: string;
  /** Origins, asked in turn: `http://ingest:80`. The path stays as it came. */
  readonly targets: readonly string[];
  /** Public, initial or strict; nothing else makes sense before a service that knows people by headers. */
  readonly requirement: Extract<Requirement, { readonly guard: 'public' | 'initial' | 'strict' }>;
  readonly methods: readonly ProxiedMethod[];
  readonly timeouts: ProxyTimeouts;
  /** Most bytes of a request's body. */
  readonly bodyLimit: number;
  /** How often a request that surely has not been seen by the upstream is sent again. */
  readonly retries: number;
  /** What else of the client's credentials the service gets to see; by default nothing. */
  readonly pass: { readonly authorization: boolean; readonly cookies: boolean };
  /** Whether requests carry `X-Puerta-Assertion`. */
  readonly assertion: boolean;
  /** Whether `%2F` and `%5C` may stand in a path. */
  readonly encodedSlashes: boolean;
  /** Besides those that hold everywhere. */
  readonly limits: ProxyLimits;
}

/** All in milliseconds. */
export interface ProxyTimeouts {
  readonly connectMs: number;
  /** From the end of a request until the headers of its answer. */
  readonly headersMs: number;
  /** Silence between bytes, in either direction. */
  readonly idleMs: number;
  /** From the first byte to the last; undefined: as long as bytes come. */
  readonly wholeMs: number | undefined;
}

export interface ProxyLimits {
  readonly perAddress?: Limit;
  readonly perUser?: Limit;
  readonly perCompany?: Limit;
}

/** Whether a path is a prefix or below it, byte for byte. */
export function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}
