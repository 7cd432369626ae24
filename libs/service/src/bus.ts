import type { Actor } from '@puerta/contracts/core';
import {
  type BusClientOptions,
  type BusEvent,
  type BusLogger,
  type BusOptions,
  callContext,
  Sealer,
} from '@puerta/messaging';
import { type LogFields, type Logger, type Metrics, parseTraceparent, type SpanExporter } from '@puerta/observability';
import type { Runtime } from './process';
import { decodeError } from './errors';

/** What server and client of the bus have in common in every app. */
export function busOptions({ config, logger, metrics, spans }: Runtime): BusOptions {
  return {
    redis: config.REDIS_BUS_URL,
    prefix: config.BUS_PREFIX,
    sealer: new Sealer(config.BUS_SECRET),
    logger: busLogger(logger),
    onEvent: countBusEvents(metrics, spans),
  };
}

/** How an app asks others over the bus: `BusModule.forRoot({ ...busClientOptions(runtime), calls: [...] })`. */
export function busClientOptions(runtime: Runtime): BusClientOptions {
  return { ...busOptions(runtime), service: runtime.name, decodeError };
}

/** The call that is being served, for each log line. */
export function callFields(): LogFields | undefined {
  const call = callContext.getStore();
  if (call === undefined) return undefined;
  const actor = call.actor as Partial<Actor> | undefined;
  return {
    request_id: call.requestId,
    trace_id: parseTraceparent(call.traceparent)?.traceId,
    user_id: actor?.user_id,
    company_id: actor?.company_id,
  };
}

/** The bus names its facts in its own way. */
function busLogger(logger: Logger): BusLogger {
  const fields = (facts: object = {}): LogFields => {
    const { err, connection, entry, service, ...rest } = facts as Record<string, never>;
    const error = err === undefined ? {} : { error: err };
    return { ...rest, ...error, component: connection ?? 'bus', entry_id: entry, callee: service };
  };
  return {
    info: (message, facts) => logger.debug(message, fields(facts)),
    warn: (message, facts) => logger.warn(message, fields(facts)),
    error: (message, facts) => logger.error(message, fields(facts)),
  };
}

function countBusEvents(metrics: Metrics, spans: SpanExporter | undefined): (event: BusEvent) => void {
  return (event) => {
    switch (event.type) {
      case 'handled':
        if (spans) recordSpan(spans, event);
        return metrics.busHandled.observe({ pattern: event.pattern, outcome: event.code }, event.ms / 1_000);
      case 'called':
        return metrics.busCalled.observe(
          { callee: event.service, pattern: event.pattern, outcome: event.code },
          event.ms / 1_000,
        );
      case 'reclaimed':
        return metrics.busReclaimed.inc({ lane: event.lane }, event.count);
      case 'dead_lettered':
        return metrics.busDeadLetters.inc({ pattern: event.pattern });
      case 'dropped':
        return metrics.busDropped.inc({ what: event.what, peer: event.peer });
      case 'connection':
        return event.up ? undefined : metrics.busConnectionsLost.inc();
    }
  };
}

/** By OpenTelemetry's conventions for messaging. */
function recordSpan(
  spans: SpanExporter,
  { pattern, caller, lane, code, ms, trace }: Extract<BusEvent, { type: 'handled' }>,
): void {
  const [parent, own] = [parseTraceparent(trace?.parent), parseTraceparent(trace?.own)];
  if (!parent || !own) return;
  spans.record({
    name: `process ${pattern}`,
    kind: 'consumer',
    trace: { ...own, parentId: parent.spanId },
    ms,
    failed: code === 'internal',
    attributes: {
      'messaging.system': 'redis_streams',
      'messaging.operation.type': 'process',
      'messaging.destination.name': pattern,
      'puerta.bus.caller': caller,
      'puerta.bus.lane': lane,
      'puerta.outcome': code,
    },
  });
}
