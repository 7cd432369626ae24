import type { LoggerService } from '@nestjs/common';
import type { Logger, LogLevel } from './logger';

/**
 * What Nest and its modules say, through our logger. They speak in free text about modules and routes, so what is
 * ordinary to them is for debugging here. Objects are dropped; of errors and stacks the safe parts are kept.
 */
export function nestLogger(logger: Logger): LoggerService {
  const say =
    (level: LogLevel) =>
    (message: unknown, ...rest: unknown[]): void => {
      const last = rest.at(-1);
      const component = typeof last === 'string' && !looksLikeStack(last) ? last : 'nest';
      const error = [message, ...rest].find((value) => value instanceof Error || looksLikeStack(value));
      logger[level](sentence(message), { component, ...(error === undefined ? {} : { error: asError(error) }) });
    };
  return {
    log: say('debug'),
    debug: say('debug'),
    verbose: say('trace'),
    warn: say('warn'),
    error: say('error'),
    fatal: say('fatal'),
  };
}

function sentence(message: unknown): string {
  return typeof message === 'string' && !looksLikeStack(message) ? message : 'an error was reported';
}

function looksLikeStack(value: unknown): value is string {
  return typeof value === 'string' && /\n\s+at /.test(value);
}

function asError(value: unknown): Error {
  if (value instanceof Error) return value;
  const error = new Error();
  error.stack = String(value);
  return error;
}
