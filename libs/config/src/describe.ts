import type { ConfigDefinition } from './config';
import { metaOf, sourceNames } from './variable';

/** One row of the documentation of an app's variables. */
export interface VariableDescription {
  readonly name: string;
  readonly app: string;
  readonly description: string;
  readonly expected: string;
  readonly default: string | null;
  readonly required: boolean;
  readonly secret: boolean;
  /** Where the value comes from when the variable is not set. */
  readonly fallbacks: readonly string[];
  /** `NAME=value` of another variable with which it must be set. */
  readonly neededWith: string | null;
  /** Another variable whose number this one's must not be above. */
  readonly atMost: string | null;
}

/** Lists the variables of an app, in the order of its definition. */
export function describeConfig(definition: ConfigDefinition): VariableDescription[] {
  return Object.entries(definition.shape).map(([name, schema]) => {
    const meta = metaOf(schema);
    const fallbacks = sourceNames(meta);
    return {
      name,
      app: definition.app,
      description: meta.description ?? '',
      expected: meta.expected ?? '',
      default: meta.default === undefined ? null : show(meta.default),
      required: meta.required && fallbacks.length === 0,
      secret: meta.secret ?? false,
      fallbacks,
      neededWith: meta.neededWith ? `${meta.neededWith.variable}=${meta.neededWith.value}` : null,
      atMost: meta.atMost ?? null,
    };
  });
}

function show(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(',') : String(value);
}
