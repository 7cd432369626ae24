import { createHash } from 'node:crypto';
import type { OpenAPIObject } from '@nestjs/swagger';

export type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
export interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

/** When the examples happen. */
const AT = '2026-11-21T10:00:00.000Z';

/**
 * An example of what a schema describes, put together from those of its fields. A field that may be absent, and says no
 * example of its own, is absent; one that must be there gets one of its kind.
 *
 * @param name of the field; ids of one name are the same everywhere
 * @returns undefined where there is none
 */
export function exampleOf(schema: Schema, schemas: Schemas, name = '', optional = false): unknown {
  const of = (part: Schema, key = name, absent = optional): unknown => exampleOf(part, schemas, key, absent);
  if ('example' in schema) return schema.example;
  if (schema.$ref) return of(schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema);
  const [first] = schema.anyOf ?? schema.allOf ?? [];
  if (first) return of(first);
  if (schema.items) {
    const item = of(schema.items);
    return item === undefined ? undefined : [item];
  }
  if (!schema.properties) return optional ? (schema.type === 'object' ? {} : undefined) : ofKind(schema, name);
  const fields = Object.entries(schema.properties)
    .map(([key, field]) => [key, of(field, key, optional || !schema.required?.includes(key))] as const)
    .filter(([, value]) => value !== undefined);
  return optional && fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function ofKind({ type, format, minimum = 0, enum: choices }: Schema, name: string): unknown {
  if (choices) return choices[0];
  if (format === 'uuid') return idOf(name);
  if (format === 'date-time') return AT;
  const types = [type].flat();
  if (types.includes('integer')) return minimum;
  if (types.includes('boolean')) return false;
  if (types.includes('object')) return {};
  return types.includes('null') ? null : undefined;
}

function idOf(name: string): string {
  return `01993c1e-7d52-7c3a-9b1f-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}
