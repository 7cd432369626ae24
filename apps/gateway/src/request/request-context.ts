import { performance } from 'node:perf_hooks';
import type { Identity } from '@puerta/auth';
import type { ErrorCode } from '@puerta/contracts/core';
import type { CallContext } from '@puerta/messaging';
import { childTrace, formatTraceparent, parseTraceparent, requestId, type TraceContext } from '@puerta/observability';
import type { FastifyRequest } from 'fastify';
import { isScanPath } from './paths';
import type { Route } from '../routes/routes';
import type { Surface } from '../routes/route-options';

/** What the gateway knows of one request, from its first byte to its line in the log. */
export interface RequestContext {
  readonly id: string;
  readonly trace: TraceContext;
  readonly startedAt: number;
  /** The route that serves it; undefined where there is none. */
  route?: Route;
  surface: Surface;
  identity?: Identity;
  /** The error it was answered with. */
  code?: ErrorCode;
  /** How many bytes of a proxied answer were passed on. */
  bytes?: number;
  /** How often a proxied request was sent again. */
  retries?: number;
  /** Why a proxied answer is not whole. */
  cut?: 'client_gone' | 'client_too_slow' | 'upstream_broke_off' | 'shutdown' | ErrorCode;
}

/** Kept on Node's own request, which is asked for it several times: to look it up in a WeakMap costs more. */
const CONTEXT = Symbol('puerta:request-context');

type Carrier = FastifyRequest['raw'] & { [CONTEXT]?: RequestContext };

/** The context of a request, begun on first use: bad URLs are answered without any hook. */
export function requestContextOf(request: FastifyRequest): RequestContext {
  const raw = request.raw as Carrier;
  const known = raw[CONTEXT];
  if (known) return known;
  const context: RequestContext = {
    id: request.id,
    trace: childTrace(parseTraceparent(request.headers['traceparent']), request.headers['tracestate']),
    startedAt: performance.now(),
    surface: isScanPath(raw.url ?? '') ? 'page' : 'api',
  };
  raw[CONTEXT] = context;
  return context;
}

/** For Fastify's `genReqId`: the caller's request id if it is a plain short word, else a new one. */
export function requestIdOf(raw: { readonly headers: NodeJS.Dict<string | string[]> }): string {
  return requestId(raw.headers['x-request-id']);
}

/** What calls to services made for this request inherit. */
export function callContextOf({ id, trace }: RequestContext): CallContext {
  return { requestId: id, traceparent: formatTraceparent(trace), ...(trace.state && { tracestate: trace.state }) };
}
