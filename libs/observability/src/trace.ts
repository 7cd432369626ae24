import { randomStock } from './random-stock';

/** A place in a distributed trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hex digits, the same in all services that a request passes. */
  readonly traceId: string;
  /** 16 hex digits, of this hop. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The span that asked for this one. */
  readonly parentId?: string | undefined;
  /** What tracing systems add, as it came; passed on with the trace. */
  readonly state?: string | undefined;
}

/** At least as much is to be passed on, and more is dropped (W3C Trace Context 3.3.1.5). */
const STATE = /^[\x20-\x7e]{1,512}$/;

const VERSION_00_LENGTH = 55;
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent` header; undefined for whatever section 3.2 of the standard does not allow. */
export function parseTraceparent(header: unknown): TraceContext | undefined {
  if (typeof header !== 'string' || header.length > 512) return undefined;
  const [, version = '', traceId = '', spanId = '', flags = ''] = FORM.exec(header) ?? [];
  if (version === '' || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  // Later versions may append fields; version 00 may not.
  if (version === '00' && header.length !== VERSION_00_LENGTH) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

/**
 * The next hop of a trace, or the first of a new one.
 *
 * @param parent undefined begins a trace
 * @param state the `tracestate` header that came with it
 */
export function childTrace(parent?: TraceContext, state?: unknown): TraceContext {
  if (!parent) return { traceId: hex(16), spanId: hex(8), sampled: true };
  const { traceId, spanId: parentId, sampled } = parent;
  return {
    traceId,
    spanId: hex(8),
    sampled,
    parentId,
    state: typeof state === 'string' && STATE.test(state) ? state : undefined,
  };
}

/** The `traceparent` header that says so. */
export function formatTraceparent({
  traceId,
  spanId,
  sampled,
}: Pick<TraceContext, 'traceId' | 'spanId' | 'sampled'>): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** Random bytes in hex, not all zero (which the standard reserves). */
function hex(bytes: number): string {
  const text = randomStock(bytes).toString('hex');
  return /^0+$/.test(text) ? hex(bytes) : text;
}
