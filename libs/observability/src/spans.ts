import type { TraceContext } from './trace';

/** A piece of work that is over: of one request, or of one message. */
export interface Span {
  /** With few different values: a route or a pattern, never an address. */
  readonly name: string;
  readonly kind: 'server' | 'consumer';
  readonly trace: TraceContext;
  /** How long it took, until now. */
  readonly ms: number;
  readonly failed: boolean;
  /** By the names of OpenTelemetry's semantic conventions. No personal data. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Where spans go. */
export interface SpanExporter {
  /** Never throws, and never waits. */
  record(span: Span): void;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/** How long the last spans may take to be sent. */
const STOP_MS = 2_000;

/**
 * Sends spans to an OpenTelemetry collector, in batches. While it is away they are dropped: a trace is worth no request.
 * The packages for it are loaded only here, where they are wanted.
 *
 * @param endpoint `OTEL_EXPORTER_OTLP_ENDPOINT`, e.g. `http://collector:4318`
 * @param service its name, and the version that runs
 */
export async function otlpExporter(endpoint: string, service: string): Promise<SpanExporter> {
  const { SpanKind, SpanStatusCode, TraceFlags } = await import('@opentelemetry/api');
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const processor = new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` }));
  const resource = resourceFromAttributes({ 'service.name': service });
  const contextOf = (traceId: string, spanId: string, sampled: boolean) => ({
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  });
  const timeOf = (ms: number): [seconds: number, nanoseconds: number] => {
    const seconds = Math.floor(ms / 1_000);
    return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
  };
  return {
    record: ({ name, kind, trace, ms, failed, attributes }) => {
      const { traceId, spanId, parentId, sampled } = trace;
      const end = Date.now();
      const context = contextOf(traceId, spanId, sampled);
      processor.onEnd({
        name,
        kind: kind === 'server' ? SpanKind.SERVER : SpanKind.CONSUMER,
        spanContext: () => context,
        ...(parentId && { parentSpanContext: contextOf(traceId, parentId, sampled) }),
        startTime: timeOf(end - ms),
        endTime: timeOf(end),
        duration: timeOf(ms),
        status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
        attributes: { ...attributes },
        links: [],
        events: [],
        ended: true,
        resource,
        instrumentationScope: { name: 'puerta' },
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      });
    },
    stop: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([processor.shutdown().catch(() => undefined), late]);
    },
  };
}
