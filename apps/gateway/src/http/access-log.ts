import { performance } from 'node:perf_hooks';
import type { Logger, Metrics, SpanExporter } from '@puerta/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'];

/** Who is told of answers. */
export interface Recorders {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** undefined: no spans are made. */
  readonly spans: SpanExporter | undefined;
}

/**
 * One line and one observation for each answer; probes that find everything well are not logged. The route is named by its pattern: addresses hold codes and tokens, and
 * a metric must not grow with what people invent.
 */
export function recordRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  { logger, metrics, spans }: Recorders,
): void {
  const { id, trace, route, identity, code, startedAt, bytes, cut, retries } = requestContextOf(request);
  const actor = identity?.kind === 'user' ? identity.actor : undefined;
  const seconds = (performance.now() - startedAt) / 1_000;
  const method = METHODS.includes(request.method) ? request.method : 'OTHER';
  const pattern = route?.pattern ?? 'none';
  const status = reply.statusCode;
  metrics.httpRequest({ method, route: pattern, status }, seconds);
  if (route?.probe && status < 400) return;
  spans?.record({
    name: `${method} ${pattern}`,
    kind: 'server',
    trace,
    ms: seconds * 1_000,
    failed: status >= 500,
    // By OpenTelemetry's conventions for HTTP; never the address, which may hold a code.
    attributes: { 'http.request.method': method, 'http.route': pattern, 'http.response.status_code': status },
  });
  logger.info('request', {
    method,
    route: pattern,
    status,
    duration_ms: Math.round(seconds * 10_000) / 10,
    bytes: bytes ?? Number(reply.getHeader('content-length') ?? 0),
    code: code ?? cut,
    attempt: retries === undefined ? undefined : retries + 1,
    request_id: id,
    trace_id: trace.traceId,
    user_id: actor?.user_id,
    company_id: actor?.company_id ?? undefined,
    scan_id: identity?.kind === 'scan' ? identity.scanId : undefined,
  });
}
