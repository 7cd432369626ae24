import { randomStock } from './random-stock';

/** A place in a distributed trace (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 hex digits, the same in all services that a request passes. */
  readonly traceId: string;
  /** 16 hex digits, of this hop. */
  readonly spanId: string;
  readonly sampled: boolean;
}

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

/** The next hop of a trace, or the first of a new one. */
export function childTrace(parent: Omit<TraceContext, 'spanId'> = { traceId: hex(16), sampled: true }): TraceContext {
  return { ...parent, spanId: hex(8) };
}

/** The `traceparent` header that says so. */
export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** Random bytes in hex, not all zero (which the standard reserves). */
function hex(bytes: number): string {
  const text = randomStock(bytes).toString('hex');
  return /^0+$/.test(text) ? hex(bytes) : text;
}
