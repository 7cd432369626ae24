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

const ON = ['true', 'on', 'yes', '1'];
const OFF = ['false', 'off', 'no', '0'];

/** A boolean. `refuse` may say why a value is not allowed in an environment. */
export function flag(
  description: string,
  refuse?: (value: boolean, environment: Environment) => string | undefined,
): Variable<boolean> {
  const read = (text: string): boolean => {
    const word = text.toLowerCase();
    if (!ON.includes(word) && !OFF.includes(word)) throw new Unfit('is neither on nor off');
    return ON.includes(word);
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

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A log level, in any case; `WARNING` and `CRITICAL` are understood too. */
export function logLevel(description: string): Variable<LogLevel> {
  const expected = 'one of trace, debug, info, warn (or warning), error, fatal (or critical)';
  return variable(description, { expected }, (text) => {
    const word = text
      .toLowerCase()
      .replace(/^warning$/, 'warn')
      .replace(/^critical$/, 'fatal');
    const level = LOG_LEVELS.find((one) => one === word);
    if (level === undefined) throw new Unfit('is not a log level');
    return level;
  });
}
