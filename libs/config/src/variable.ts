import { z } from 'zod';

export const ENVIRONMENTS = ['development', 'test', 'production'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** Where a variable takes its text from when it is not set itself: another variable, or several put together. */
export type Source = string | { readonly from: readonly string[]; readonly compose: Compose };

/** Puts the texts of several variables together; undefined when none is set. Throws `Unfit` when some are missing. */
export type Compose = (read: (name: string) => string | undefined) => string | undefined;

export interface VariableMeta {
  /** What the value must be, as the end of "expected …". */
  readonly expected?: string;
  /** Its value is never shown, and `NAME_FILE` may name a file that holds it. */
  readonly secret?: boolean;
  /** Tried in this order when the variable is not set. */
  readonly sources?: readonly Source[];
  /** It must be set when that other variable has this value. */
  readonly neededWith?: { readonly variable: string; readonly value: string };
  /** The variable whose number this one's must not be above. A default that is above it is lowered. */
  readonly atMost?: string;
  /** Says what is wrong with a well-formed text in this environment (placeholders, plain http), if anything is. */
  readonly refuse?: (text: string, environment: Environment) => string | undefined;
}

declare module 'zod' {
  interface GlobalMeta extends VariableMeta {
    readonly description?: string;
  }
}

/** Thrown by a reader; the message follows the variable's name ("PORT" + " is not a port") and never holds its value. */
export class Unfit extends Error {
  override name = 'Unfit';
}

export type Variable<T> = z.ZodPipe<z.ZodString, z.ZodTransform<T, string>>;

/**
 * A variable read from text. `.default(value)` and `.optional()` of zod say what happens when it is not set; without
 * them it is required. `read` returns the value or throws `Unfit`.
 */
export function variable<T>(description: string, meta: VariableMeta, read: (text: string) => T): Variable<T> {
  const schema = z.string().transform((text, context): T => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
  return schema.meta({ ...meta, description });
}

type Wrapper = { readonly type: string; readonly innerType?: z.ZodType; readonly defaultValue?: unknown };

/** The metadata of a variable, also when `.optional()`, `.default()` or `.meta()` came after. */
export function metaOf(schema: z.ZodType): z.GlobalMeta & { readonly required: boolean; readonly default?: unknown } {
  const wrapper = schema.def as Wrapper;
  const own = schema.meta() ?? {};
  if (wrapper.innerType === undefined) return { ...own, required: true };
  const inner = metaOf(wrapper.innerType);
  const value = 'defaultValue' in wrapper ? { default: wrapper.defaultValue } : {};
  return { ...inner, ...own, ...value, required: false };
}

/** The variables that a variable borrows from when it is not set itself. */
export function sourceNames(meta: VariableMeta): string[] {
  return (meta.sources ?? []).flatMap((source) => (typeof source === 'string' ? source : source.from));
}
