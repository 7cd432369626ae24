import type { ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsOptional, ValidateBy } from 'class-validator';
import type { FieldError, FieldErrorCode } from '../core';
import { ApiProperty } from '../documentation';

/** One check of a field: the code it fails with, and the test. Later rules of a field may rely on the earlier ones. */
export interface Rule {
  readonly code: FieldErrorCode;
  readonly params?: FieldError['params'];
  test(value: unknown): boolean;
}

export interface FieldOptions {
  /** May be absent or null. */
  readonly optional?: boolean;
  readonly description?: string;
  /** For the documentation. What is optional and has none is left out of the example of the whole. */
  readonly example?: unknown;
}

/** What `validateDto` reads back from a failed check. */
export interface RuleContext {
  readonly code: FieldErrorCode;
  readonly params?: FieldError['params'];
}

/** What `field` was given for the fields of each class, by prototype. */
const declared = new Map<
  object,
  { readonly key: string | symbol; readonly make: (options: FieldOptions) => PropertyDecorator }[]
>();

/**
 * The same fields as in a class, each of them optional: what a PATCH takes. Descriptions, which say what a missing field
 * means there, are left out. Not for classes with nested objects.
 */
export function changesOf<T extends object>(base: new () => T): new () => { [K in keyof T]?: T[K] | null } {
  class Changes {}
  for (const { key, make } of declared.get(base.prototype as object) ?? [])
    make({ optional: true })(Changes.prototype, key);
  return Changes;
}

/**
 * Makes a property decorator of a normalisation, rules and documentation, so that a DTO's field is validated and
 * described in the same line. Of several rules the first that fails is reported.
 */
export function field(
  rules: readonly Rule[],
  options: FieldOptions,
  api: ApiPropertyOptions,
  normalise?: (value: unknown) => unknown,
): PropertyDecorator {
  const parts: PropertyDecorator[] = [
    ApiProperty({
      ...api,
      required: !options.optional,
      // Beside a type alone: what is any JSON may be null in any case.
      ...(options.optional && 'type' in api ? { nullable: true } : {}),
      ...(options.description ? { description: options.description } : {}),
      ...(options.example === undefined ? {} : { example: options.example }),
    } as ApiPropertyOptions),
  ];
  if (options.optional) parts.push(IsOptional());
  if (normalise) parts.push(Transform(({ value }: { value: unknown }) => normalise(value)));
  rules.forEach((rule, index) => {
    const earlier = rules.slice(0, index);
    const context: RuleContext = rule.params ? { code: rule.code, params: rule.params } : { code: rule.code };
    parts.push(
      ValidateBy(
        {
          name: `${index}:${rule.code}`,
          // Passes when an earlier rule already fails: one reason per field, and no test sees a value of another type.
          validator: {
            validate: (value) => !earlier.every((one) => one.test(value)) || rule.test(value),
            defaultMessage: () => rule.code,
          },
        },
        { context },
      ),
    );
  });
  return (target, key) => {
    const { example } = options;
    const make = (others: FieldOptions): PropertyDecorator =>
      field(rules, { ...others, ...(example === undefined ? {} : { example }) }, api, normalise);
    declared.set(target, [...(declared.get(target) ?? []), { key, make }]);
    for (const part of parts) part(target, key);
  };
}
