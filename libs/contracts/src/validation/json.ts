import type { ApiPropertyOptions } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { field, type FieldOptions, type Rule } from './rules';

const LONE_SURROGATE = /\p{Cs}/u;

/** In the documentation. */
export const ANY_JSON: ApiPropertyOptions = {
  anyOf: [
    { type: 'object' },
    { type: 'array', items: {} },
    ...['string', 'number', 'boolean', 'null'].map((type) => ({ type })),
  ],
};

/**
 * Any JSON value that comes back as it went (I-JSON, RFC 7493 2.1 and 2.2): no lone surrogates, which have no UTF-8, and no
 * numbers that are another one once they are read. How deep it nests, and tricky names, are judged for the whole request.
 *
 * @param maxBytes of its JSON in UTF-8
 */
export function Json({ maxBytes, ...options }: FieldOptions & { readonly maxBytes: number }): PropertyDecorator {
  const rules: Rule[] = [
    {
      code: 'out_of_range',
      params: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
      test: (value) => every(value, (part) => typeof part !== 'number' || isExact(part)),
    },
    {
      code: 'forbidden_characters',
      test: (value) => every(value, (part) => typeof part !== 'string' || !LONE_SURROGATE.test(part)),
    },
    {
      code: 'too_large',
      params: { max: maxBytes },
      test: (value) => Buffer.byteLength(JSON.stringify(value)) <= maxBytes,
    },
  ];
  const described = field(rules, options, ANY_JSON);
  return (target, key) => {
    described(target, key);
    // The value that came, not class-transformer's copy of it, which lacks names such as `toString`.
    Transform(({ obj, key: name }: { obj: Record<string, unknown>; key: string }) => obj[name])(target, key);
  };
}

/** Whole numbers beyond 2^53 have neighbours that read the same; beyond 10^308 there is only infinity. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

/** Whether a test holds for all values and names in it. It is not deep: `validateDto` has seen to that. */
function every(value: unknown, test: (part: unknown) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return test(value);
  return Object.entries(value).every(([name, child]) => test(name) && every(child, test));
}
