import pino from 'pino';
import { isColorSupported, prettyFactory } from 'pino-pretty';
import { type LogFields, loggable } from './log-fields';
import { mask } from './mask';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

type Say = (message: string, fields?: LogFields) => void;

/**
 * Says what happened: a constant sentence, and the facts in fields of the allow list. Nothing is put into the sentence
 * itself, so that lines can be counted by it and no value slips past the list.
 */
export interface Logger extends Readonly<Record<LogLevel, Say>> {
  /** A logger that adds these fields to each line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** The process that speaks, e.g. `card-issuer`. */
  readonly name: string;
  readonly level?: LogLevel;
  /** Coloured lines for people instead of JSON; default: when standard output is a terminal. */
  readonly pretty?: boolean;
  /** Fields of the call that is being served, asked for each line. */
  readonly context?: () => LogFields | undefined;
  /** Where lines go, instead of standard output. */
  readonly destination?: pino.DestinationStream;
}

const MAX_MESSAGE = 1_000;

/** A logger that writes one JSON object a line (JSON escapes line breaks, so that no value can forge a line). */
export function createLogger(options: LoggerOptions): Logger {
  const forPeople = options.pretty ?? (options.destination === undefined && process.stdout.isTTY);
  const output = options.destination ?? pino.destination({ fd: 1, sync: true });
  const sink = pino(
    {
      level: options.level ?? 'info',
      base: { service: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    forPeople ? prettified(output, options.destination === undefined) : output,
  );
  return loggerOn(sink, options.context ?? (() => undefined), {});
}

function prettified(output: pino.DestinationStream, toTerminal: boolean): pino.DestinationStream {
  const prettify = prettyFactory({
    colorize: toTerminal && isColorSupported,
    singleLine: true,
    ignore: 'pid,service',
    messageFormat: '{service}: {msg}',
  });
  return { write: (line) => output.write(prettify(line)) };
}

function loggerOn(sink: pino.Logger, context: () => LogFields | undefined, bound: LogFields): Logger {
  const say =
    (level: LogLevel): Say =>
    (message, fields) => {
      if (!sink.isLevelEnabled(level)) return;
      sink[level](loggable({ ...context(), ...bound, ...fields }), mask(String(message), MAX_MESSAGE));
    };
  return {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    fatal: say('fatal'),
    child: (fields) => loggerOn(sink, context, { ...bound, ...fields }),
  };
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  child: () => silentLogger,
};
