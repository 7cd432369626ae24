import { performance } from 'node:perf_hooks';
import { type Logger, mask, type Metrics, type SpanExporter } from '@puerta/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';

/** Of a request's id; none is longer. */
const MAX_ID = 64;

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'];

/** Who is told of answers. */
export interface Recorders {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** undefined: no spans are made. */
  readonly spans: SpanExporter | undefined;
}

/**
 * One line and one observation for each answer; probes that find everything well are not logged. The route is named by its
 * pattern: addresses hold codes and tokens, and a metric must not grow with what people invent.
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
  const duration = Math.round(seconds * 10_000) / 10;
  const length = bytes ?? Number(reply.getHeader('content-length') ?? 0);
  let line = `"method":"${method}","route":"${pattern}","status":${status},"duration_ms":${duration},"bytes":${length}`;
  const reason = code ?? cut;
  if (reason !== undefined) line += `,"code":"${reason}"`;
  if (retries !== undefined) line += `,"attempt":${retries + 1}`;
  // Of all these the id of the request alone may come from outside: a short word, which may look like part of a token.
  line += `,"request_id":"${mask(id, MAX_ID)}","trace_id":"${trace.traceId}"`;
  if (actor) line += `,"user_id":${JSON.stringify(actor.user_id)}`;
  if (actor && actor.company_id !== null) line += `,"company_id":${JSON.stringify(actor.company_id)}`;
  if (identity?.kind === 'scan') line += `,"scan_id":${JSON.stringify(identity.scanId)}`;
  logger.written('request', line);
}
