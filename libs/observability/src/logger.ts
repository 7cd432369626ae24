import { isatty } from 'node:tty';
import pino from 'pino';
import { isColorSupported, prettyFactory } from 'pino-pretty';
import { addLoggable, type LogFields } from './log-fields';
import { LogOutput } from './log-output';
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
  /**
   * A line of level `info` whose fields are JSON already (`"status":200,"code":"not_found"`): for what is said of each request, where
   * reading an allow list costs as much as all else. Who calls it answers for every value. Fields of the context are not added.
   */
  written(message: string, fields: string): void;
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

/** These are written at once, with all that waits: the process may be about to end. */
const URGENT: readonly LogLevel[] = ['warn', 'error', 'fatal'];

/** A logger that writes one JSON object a line (JSON escapes line breaks, so that no value can forge a line). */
export function createLogger(options: LoggerOptions): Logger {
  // Not `process.stdout.isTTY`: to touch process.stdout makes the pipe non-blocking, and a write to a full one an error.
  const forPeople = options.pretty ?? (options.destination === undefined && isatty(1));
  const output = options.destination ?? new LogOutput();
  const destination = forPeople ? prettified(output, options.destination === undefined) : output;
  const sink = pino(
    {
      level: options.level ?? 'info',
      base: { service: options.name, pid: process.pid },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const flush = output instanceof LogOutput ? () => output.flush() : () => undefined;
  const begin = `"service":${JSON.stringify(options.name)},"pid":${process.pid}`;
  const write = (message: string, fields: string): void =>
    void destination.write(`{"level":"info"${isoTime()},${begin},${fields},"msg":"${message}"}\n`);
  return loggerOn({ sink, flush, write, context: options.context ?? (() => undefined) }, {});
}

const clock = { ms: 0, field: '' };

/** As pino writes it. The text is made once for all lines of a millisecond: to make it takes as long as half a line. */
function isoTime(): string {
  const now = Date.now();
  if (now !== clock.ms) {
    clock.ms = now;
    clock.field = `,"time":"${new Date(now).toISOString()}"`;
  }
  return clock.field;
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

interface Log {
  readonly sink: pino.Logger;
  readonly flush: () => void;
  readonly write: (message: string, fields: string) => void;
  readonly context: () => LogFields | undefined;
}

/** @param bound fields of each line, as `addLoggable` left them */
function loggerOn(log: Log, bound: Readonly<Record<string, unknown>>): Logger {
  const { sink, flush, write, context } = log;
  const say =
    (level: LogLevel): Say =>
    (message, fields) => {
      if (!sink.isLevelEnabled(level)) return;
      const facts = Object.assign(addLoggable({}, context()), bound);
      sink[level](addLoggable(facts, fields), mask(String(message), MAX_MESSAGE));
      if (URGENT.includes(level)) flush();
    };
  return {
    ...atEachLevel(say),
    child: (fields) => loggerOn(log, addLoggable({ ...bound }, fields)),
    written: (message, fields) => {
      if (sink.isLevelEnabled('info')) write(message, fields);
    },
  };
}

function atEachLevel(say: (level: LogLevel) => Say): Record<LogLevel, Say> {
  return {
    trace: say('trace'),
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    fatal: say('fatal'),
  };
}

/** A logger that says nothing, for tests and tools. */
export const silentLogger: Logger = {
  ...atEachLevel(() => () => undefined),
  child: () => silentLogger,
  written: () => undefined,
};
