export { type HttpFault, httpFaultOf, MAX_HEADERS } from './http-faults';
export { endGently, HttpServer } from './http-server';
export { InternalServer, type ReadinessChecks } from './internal-server';
export { type LogFields } from './log-fields';
export { createLogger, type Logger, type LoggerOptions, type LogLevel, silentLogger } from './logger';
export { Metrics } from './metrics';
export { nestLogger } from './nest-logger';
export { requestId } from './request-id';
export { childTrace, formatTraceparent, parseTraceparent, type TraceContext } from './trace';
