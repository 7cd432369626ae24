import { Unfit, type Environment, type Variable, variable } from './variable';

/** A whole number from `min` to `max`. */
export function integer(description: string, { min, max }: { min: number; max: number }): Variable<number> {
  const expected = `a whole number from ${min} to ${max}`;
  return variable(description, { expected }, (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Unfit(`is not ${expected}`);
    return value;
  });
}

/** A duration in whole seconds, as a number. */
export function seconds(description: string, { min, max }: { min: number; max: number }): Variable<number> {
  return integer(description, { min, max }).meta({ expected: `a whole number of seconds from ${min} to ${max}` });
}

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  on: true,
  yes: true,
  1: true,
  false: false,
  off: false,
  no: false,
  0: false,
};

/** A boolean. `refuse` may say why a value is not allowed in an environment. */
export function flag(
  description: string,
  refuse?: (value: boolean, environment: Environment) => string | undefined,
): Variable<boolean> {
  const read = (text: string): boolean => {
    const value = Object.hasOwn(FLAGS, text.toLowerCase()) ? FLAGS[text.toLowerCase()] : undefined;
    if (value === undefined) throw new Unfit('is neither on nor off');
    return value;
  };
  return variable(
    description,
    {
      expected: 'on or off (also true, false, yes, no, 1, 0)',
      refuse: (text, environment) => refuse?.(read(text), environment),
    },
    read,
  );
}

/** One of a closed list of words. */
export function oneOf<const T extends string>(description: string, words: readonly [T, ...T[]]): Variable<T> {
  const expected = `one of ${words.join(', ')}`;
  return variable(description, { expected }, (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new Unfit(`is not ${expected}`);
    return word;
  });
}

/** A UUID, in lower case. */
export function uuid(description: string): Variable<string> {
  return variable(description, { expected: 'a UUID' }, (text) => {
    if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new Unfit('is not a UUID');
    return text.toLowerCase();
  });
}

/** A short word that begins keys in Redis; braces would change the keys' hash slots. */
export function keyPrefix(description: string): Variable<string> {
  const expected = '1 to 32 letters, digits, dots, dashes or underscores';
  return variable(description, { expected }, (text) => {
    if (!/^[A-Za-z0-9._-]{1,32}$/.test(text)) throw new Unfit(`is not ${expected}`);
    return text;
  });
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'fatal',
  critical: 'fatal',
};

/** A log level, in any case; `WARNING` and `CRITICAL` are understood too. */
export function logLevel(description: string): Variable<LogLevel> {
  const expected = 'one of trace, debug, info, warn (or warning), error, fatal (or critical)';
  return variable(description, { expected }, (text) => {
    const level = Object.hasOwn(LOG_LEVELS, text.toLowerCase()) ? LOG_LEVELS[text.toLowerCase()] : undefined;
    if (level === undefined) throw new Unfit('is not a log level');
    return level;
  });
}
