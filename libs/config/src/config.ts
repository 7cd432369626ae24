import { inspect } from 'node:util';
import type { z } from 'zod';
import { readText, type Environ } from './read-text';
import { ENVIRONMENTS, type Environment, metaOf, sourceNames, Unfit } from './variable';

/** Variables by name, in the order in which they are documented. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** The configuration of one app: its name and its variables. */
export interface ConfigDefinition<S extends Shape = Shape> {
  readonly app: string;
  readonly shape: S;
}

export type ConfigOf<D extends ConfigDefinition> = { readonly [K in keyof D['shape']]: z.output<D['shape'][K]> };

/** Names the variables of an app. `loadConfig` reads them, `describeConfig` lists them. */
export function defineConfig<const S extends Shape>(app: string, shape: S): ConfigDefinition<S> {
  return { app, shape };
}

export interface ConfigProblem {
  readonly variable: string;
  /** What is wrong and what is expected; never a value. */
  readonly problem: string;
}

/** Everything that is wrong with the configuration of an app. Its message is fit for a terminal and holds no value. */
export class ConfigError extends Error {
  override name = 'ConfigError';

  constructor(
    readonly app: string,
    readonly problems: readonly ConfigProblem[],
  ) {
    const lines = problems.map(({ variable, problem }) => `  ${variable} ${problem}`);
    super(`${app} cannot start, its configuration has ${problems.length} problem(s):\n${lines.join('\n')}`);
  }
}

/**
 * Reads all variables of an app from the environment, once. A blank value counts as not set.
 * @returns a frozen object of parsed values; its secrets stay out of JSON and of `util.inspect`
 * @throws ConfigError naming every problem at once
 */
export function loadConfig<D extends ConfigDefinition>(definition: D, environ: Environ = process.env): ConfigOf<D> {
  const environment = environmentOf(environ);
  const problems = new Map<string, string>();
  const texts = new Map<string, string | undefined>();
  for (const [name, schema] of Object.entries(definition.shape)) {
    attempt(problems, name, schema, () => texts.set(name, readText(environ, name, metaOf(schema).secret === true)));
  }

  const values: Record<string, unknown> = {};
  for (const [name, schema] of inOrder(definition.shape)) {
    if (problems.has(name)) continue;
    attempt(problems, name, schema, () => {
      const text = texts.get(name) ?? fromSources(schema, texts, problems);
      if (text === BROKEN) return;
      if (text === undefined) requireNotNeeded(schema, texts);
      values[name] = valueOf(schema, text, environment);
    });
  }

  for (const [name, schema] of Object.entries(definition.shape)) {
    if (problems.has(name)) continue;
    attempt(problems, name, schema, () => {
      values[name] = withinOther(schema, values, name, texts.get(name) !== undefined);
    });
  }

  if (problems.size > 0) {
    const known = Object.keys(definition.shape).filter((name) => problems.has(name));
    throw new ConfigError(
      definition.app,
      known.map((variable) => ({ variable, problem: problems.get(variable) ?? '' })),
    );
  }
  return discreet(values, definition.shape) as ConfigOf<D>;
}

/** Without a valid NODE_ENV the rules of production apply; that it is invalid is reported like any other problem. */
function environmentOf(environ: Environ): Environment {
  return ENVIRONMENTS.find((name) => name === environ['NODE_ENV']?.trim()) ?? 'production';
}

/** Stands for a text that could not be had because another variable has a problem, which is reported there. */
const BROKEN = Symbol('broken');

/** Variables that borrow from others come last, so that a problem is reported where it is. */
function inOrder(shape: Shape): [string, z.ZodType][] {
  const all = Object.entries(shape);
  const borrows = ([, schema]: [string, z.ZodType]): boolean => metaOf(schema).sources !== undefined;
  return [...all.filter((entry) => !borrows(entry)), ...all.filter(borrows)];
}

function fromSources(
  schema: z.ZodType,
  texts: ReadonlyMap<string, string | undefined>,
  problems: ReadonlyMap<string, string>,
): string | undefined | typeof BROKEN {
  for (const source of metaOf(schema).sources ?? []) {
    const names = typeof source === 'string' ? [source] : source.from;
    if (names.some((name) => problems.has(name))) return BROKEN;
    const read = (name: string): string | undefined => texts.get(name);
    const text = typeof source === 'string' ? read(source) : source.compose(read);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** @throws Unfit when another variable has the value that makes this one, which is not set, necessary */
function requireNotNeeded(schema: z.ZodType, texts: ReadonlyMap<string, string | undefined>): void {
  const { neededWith } = metaOf(schema);
  if (neededWith === undefined || texts.get(neededWith.variable) !== neededWith.value) return;
  throw new Unfit(`is not set, and ${neededWith.variable}=${neededWith.value} needs it`);
}

function valueOf(schema: z.ZodType, text: string | undefined, environment: Environment): unknown {
  const meta = metaOf(schema);
  if (text === undefined && meta.required) throw new Unfit(['is not set', ...sourceNames(meta)].join(', nor '));
  const result = schema.safeParse(text);
  if (!result.success) throw new Unfit(result.error.issues[0]?.message ?? 'is not valid');
  const refusal = text === undefined ? undefined : meta.refuse?.(text, environment);
  if (refusal !== undefined) throw new Unfit(`${refusal}, which is refused when NODE_ENV is ${environment}`);
  return result.data;
}

/** @throws Unfit when it was set to more than the variable that it must not be above */
function withinOther(schema: z.ZodType, values: Record<string, unknown>, name: string, isSet: boolean): unknown {
  const { atMost } = metaOf(schema);
  const [value, most] = [values[name], atMost === undefined ? undefined : values[atMost]];
  if (typeof value !== 'number' || typeof most !== 'number' || value <= most) return value;
  if (isSet) throw new Unfit(`is more than ${atMost}`);
  return most;
}

function attempt(problems: Map<string, string>, name: string, schema: z.ZodType, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const { expected } = metaOf(schema);
    const said = expected === undefined || error.message.includes(expected);
    problems.set(name, said ? error.message : `${error.message}; expected ${expected}`);
  }
}

/** Freezes the values and hides the secret ones from whoever prints or serialises the whole. */
function discreet(values: Record<string, unknown>, shape: Shape): object {
  const shown = (): object =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const hidden = value !== undefined && shape[name] !== undefined && metaOf(shape[name]).secret === true;
        return [name, hidden ? '(secret)' : value];
      }),
    );
  Object.defineProperty(values, 'toJSON', { value: shown });
  Object.defineProperty(values, inspect.custom, { value: shown });
  return Object.freeze(values);
}
