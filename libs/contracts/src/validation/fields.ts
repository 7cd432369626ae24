import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ValidateNested, isUUID } from 'class-validator';
import { field, type FieldOptions, type Rule } from './rules';
import { Text } from './text';

/** An identifier of ours: a UUID in its canonical lower-case form. */
export function Id(options: FieldOptions = {}): PropertyDecorator {
  return field(
    [
      { code: 'wrong_type', params: { type: 'string' }, test: (value) => typeof value === 'string' },
      { code: 'bad_format', params: { format: 'UUID' }, test: (value) => isUUID(value) },
    ],
    options,
    { type: String, format: 'uuid' },
    (value) => (typeof value === 'string' && value.length === 36 ? value.toLowerCase() : value),
  );
}

/** Several identifiers, at least one. */
export function Ids({ max, ...options }: FieldOptions & { readonly max: number }): PropertyDecorator {
  return field(
    [
      { code: 'wrong_type', params: { type: 'array' }, test: (value) => Array.isArray(value) },
      count(max),
      {
        code: 'bad_format',
        params: { format: 'UUIDs' },
        test: (value) => (value as unknown[]).every((one) => isUUID(one)),
      },
    ],
    options,
    { type: [String], format: 'uuid', minItems: 1, maxItems: max },
    (value) =>
      Array.isArray(value) ? value.map((one: unknown) => (typeof one === 'string' ? one.toLowerCase() : one)) : value,
  );
}

/** One of a closed list of words. */
export function Choice(choices: readonly string[], options: FieldOptions = {}): PropertyDecorator {
  return field(
    [
      {
        code: 'bad_choice',
        params: { choices: choices.join(', ') },
        test: (value) => choices.includes(value as string),
      },
    ],
    options,
    { type: String, enum: [...choices] },
  );
}

/** A boolean in a body. */
export function Flag(options: FieldOptions = {}): PropertyDecorator {
  return field(
    [{ code: 'wrong_type', params: { type: 'boolean' }, test: (value) => typeof value === 'boolean' }],
    options,
    { type: Boolean },
  );
}

/** A boolean in a query string: `true` or `false`. */
export function QueryFlag(options: FieldOptions = {}): PropertyDecorator {
  return field(
    [{ code: 'bad_choice', params: { choices: 'true, false' }, test: (value) => typeof value === 'boolean' }],
    options,
    { type: Boolean },
    (value) => (value === 'true' ? true : value === 'false' ? false : value),
  );
}

export interface RangeOptions extends FieldOptions {
  readonly min: number;
  readonly max: number;
}

/** A whole number. */
export function Int({ min, max, ...options }: RangeOptions): PropertyDecorator {
  return field(intRules(min, max), options, { type: 'integer', minimum: min, maximum: max });
}

/** A whole number in a query string or over the bus. */
export function QueryInt({ min, max, ...options }: RangeOptions): PropertyDecorator {
  return field(intRules(min, max), options, { type: 'integer', minimum: min, maximum: max }, (value) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  );
}

function intRules(min: number, max: number): Rule[] {
  return [
    { code: 'wrong_type', params: { type: 'integer' }, test: (value) => Number.isInteger(value) },
    {
      code: 'out_of_range',
      params: { min, max },
      test: (value) => (value as number) >= min && (value as number) <= max,
    },
  ];
}

// RFC 3339 5.6, with a zone; the rest of the calendar is checked by Date.
const RFC_3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** A point in time as RFC 3339 with a zone; handlers get it in UTC with milliseconds. */
export function Timestamp(options: FieldOptions = {}): PropertyDecorator {
  return field(
    [
      { code: 'wrong_type', params: { type: 'string' }, test: (value) => typeof value === 'string' },
      { code: 'bad_format', params: { format: 'RFC 3339' }, test: (value) => isCalendarTime(value as string) },
    ],
    options,
    { type: String, format: 'date-time' },
    (value) => (typeof value === 'string' && isCalendarTime(value) ? new Date(value).toISOString() : value),
  );
}

function isCalendarTime(value: string): boolean {
  if (!RFC_3339.test(value)) return false;
  // Date rolls 30 February over to March; the day must survive.
  const day = Number(value.slice(8, 10));
  const days = new Date(Date.UTC(Number(value.slice(0, 4)), Number(value.slice(5, 7)), 0)).getUTCDate();
  return day <= days && !Number.isNaN(Date.parse(value));
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object of its own class, validated with it. */
export function Nested(type: () => new () => object, { optional = false }: FieldOptions = {}): PropertyDecorator {
  const rule: Rule = { code: 'wrong_type', params: { type: 'object' }, test: isObject };
  // Swagger takes a function for a lazy type by its name alone, which must be "type".
  return nested(type, field([rule], { optional }, { type: () => type() }), false);
}

/** Several objects of one class, at least one, each validated. */
export function NestedList(
  type: () => new () => object,
  { max, ...options }: FieldOptions & { readonly max: number },
): PropertyDecorator {
  const areObjects = (value: unknown): boolean => Array.isArray(value) && value.every(isObject);
  const rules = [{ code: 'wrong_type', params: { type: 'array' }, test: areObjects } as const, count(max)];
  return nested(type, field(rules, options, { type: () => [type()], minItems: 1, maxItems: max }), true);
}

function nested(type: () => new () => object, rules: PropertyDecorator, each: boolean): PropertyDecorator {
  return (target, key) => {
    rules(target, key);
    ValidateNested({ each })(target, key);
    Type(type)(target, key);
  };
}

/** How many items a list has: at least one. */
function count(max: number): Rule {
  const fits = ({ length }: readonly unknown[]): boolean => length >= 1 && length <= max;
  return { code: 'wrong_count', params: { min: 1, max }, test: (value) => fits(value as unknown[]) };
}

/** `?limit=&cursor=&count=true` of every list. */
export class PageQueryDto {
  @QueryInt({ min: 1, max: 100, optional: true, description: 'Rows a page, 20 unless told' })
  limit?: number;

  @Text({
    max: 512,
    optional: true,
    pattern: /^[A-Za-z0-9_-]+$/,
    format: 'next_cursor',
    description: 'next_cursor of the page before',
  })
  cursor?: string;

  @QueryFlag({ optional: true, description: 'Also count all rows' })
  count?: boolean;
}
