export { describeError, type DescribedError } from './describe-error';
export {
  InternalServer,
  type InternalServerOptions,
  type ReadinessCheck,
  type ReadinessChecks,
} from './internal-server';
export { type LogFields } from './log-fields';
export { createLogger, type Logger, type LoggerOptions, type LogLevel, silentLogger } from './logger';
export { Metrics, type Outcome } from './metrics';
export { nestLogger } from './nest-logger';
export { requestId } from './request-id';
export { childTrace, formatTraceparent, newTrace, parseTraceparent, type TraceContext } from './trace';
