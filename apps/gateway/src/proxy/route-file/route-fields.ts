import { readUpstream, Unfit } from '@puerta/config';
import { ROLES } from '@puerta/contracts/core';
import { z } from 'zod';
import type { Limit } from '../../routes/route-options';
import { PROXIED_METHODS } from '../../routes/proxy-route';
import { parseDuration, parseRate, parseSize } from './units';

const DAY_MS = 86_400_000;
const MAX_BODY_BYTES = 2 ** 40;
const MAX_PREFIX = 200;

/** A field that is written in a way of its own. `read` gives undefined for what does not fit, or throws `Unfit`. */
function written<T>(expected: string, read: (text: string) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const problem = (message: string): never => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    if (typeof value !== 'string') return problem(`is not ${expected}`);
    try {
      return read(value) ?? problem(`is not ${expected}`);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      return problem(error.message);
    }
  });
}

const name = written('a name: a small letter, then up to 31 small letters, digits and dashes', (text) =>
  /^[a-z][a-z0-9-]{0,31}$/.test(text) ? text : undefined,
);

const prefix = written(
  'a path such as /api/v1/reports: segments of letters, digits and . _ ~ - alone, without a slash at the end',
  (text) => {
    if (text.length > MAX_PREFIX) throw new Unfit(`is longer than ${MAX_PREFIX} characters`);
    if (!/^(?:\/[A-Za-z0-9._~-]+)+$/.test(text)) return undefined;
    if (text.split('/').some((segment) => segment === '.' || segment === '..')) throw new Unfit('has a dot segment');
    return text;
  },
);

const target = written('an origin such as http://reports:8000', readUpstream);

const duration = written('a time from 1ms to 24h, such as 250ms, 5s or 10m', (text) => {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 1 && ms <= DAY_MS ? ms : undefined;
});

const size = z.union([z.string(), z.number()]).transform((value, context): number => {
  const bytes = typeof value === 'number' ? value : parseSize(value);
  if (bytes !== undefined && Number.isInteger(bytes) && bytes >= 0 && bytes <= MAX_BODY_BYTES) return bytes;
  context.addIssue({ code: 'custom', message: NO_SIZE });
  return z.NEVER;
});
const NO_SIZE = 'is not a size from 0 to 1 TiB, such as 100 MiB, 64 KiB or a number of bytes';

const rate = written(
  'a limit such as 600 per 60s: 1 to 1000000 within 1s to 24h',
  (text): Omit<Limit, 'name'> | undefined => {
    const limit = parseRate(text);
    if (!limit || limit.count < 1 || limit.count > 1_000_000) return undefined;
    return limit.seconds >= 1 && limit.seconds * 1_000 <= DAY_MS ? limit : undefined;
  },
);

function listOf<T extends z.ZodType>(item: T, { least, most }: { least: number; most: number }) {
  return z
    .array(item)
    .min(least)
    .max(most)
    .refine((items) => new Set(items).size === items.length, { error: 'names something twice' });
}

/** The fields of one route, each by itself. What they may not say together is in `route-rules.ts`. */
export const ROUTE_FIELDS = {
  name,
  prefix,
  target,
  targets: listOf(target, { least: 1, most: 16 }),
  guard: z.enum(['public', 'initial', 'strict']),
  least_role: z.enum(ROLES),
  methods: listOf(z.enum(PROXIED_METHODS), { least: 1, most: PROXIED_METHODS.length }),
  timeouts: z.strictObject({
    connect: duration.optional(),
    headers: duration.optional(),
    idle: duration.optional(),
    whole: duration.optional(),
  }),
  body_limit: size,
  retries: z.int().min(0).max(3),
  pass: listOf(z.enum(['authorization', 'cookies']), { least: 0, most: 2 }),
  assertion: z.boolean(),
  encoded_slashes: z.boolean(),
  limits: z.strictObject({
    per_address: rate.optional(),
    per_user: rate.optional(),
    per_company: rate.optional(),
  }),
} as const;

export type RouteField = keyof typeof ROUTE_FIELDS;
/** What a route says in the file, of which all that was wrong is left out. */
export type WrittenRoute = { readonly [K in RouteField]?: z.output<(typeof ROUTE_FIELDS)[K]> };

/** What is wrong with a field or a part of it. `key` is set where a name is wrong that is no field. */
export interface FieldFault {
  readonly path: readonly (string | number)[];
  readonly key: boolean;
  readonly what: string;
}

/** Reads one route, field by field, so that everything that is wrong is told and the rest can be judged. */
export function readFields(raw: Readonly<Record<string, unknown>>): { route: WrittenRoute; faults: FieldFault[] } {
  const route: Record<string, unknown> = {};
  const faults: FieldFault[] = [];
  for (const [field, value] of Object.entries(raw)) {
    if (!isField(field)) {
      faults.push(unknownField([field], Object.keys(ROUTE_FIELDS)));
      continue;
    }
    const result = ROUTE_FIELDS[field].safeParse(value, { error: inWords });
    if (result.success) route[field] = result.data;
    else faults.push(...result.error.issues.flatMap((issue) => faultsOf(field, issue)));
  }
  return { route: route as WrittenRoute, faults };
}

function isField(name: string): name is RouteField {
  return Object.hasOwn(ROUTE_FIELDS, name);
}

function faultsOf(field: RouteField, issue: z.core.$ZodIssue): FieldFault[] {
  const path = [field, ...(issue.path as (string | number)[])];
  if (issue.code !== 'unrecognized_keys') return [{ path, key: false, what: issue.message }];
  const known = Object.keys((ROUTE_FIELDS[field] as z.ZodObject).shape);
  return issue.keys.map((key) => unknownField([...path, key], known));
}

export function unknownField(path: FieldFault['path'], known: readonly string[]): FieldFault {
  return { path, key: true, what: `is no field here; there are ${known.join(', ')}` };
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  int: 'a whole number',
  number: 'a whole number',
};

/** What zod finds, as it ends the sentence that a field's path begins; undefined where the message is ours already. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `is not ${KINDS[issue.expected] ?? `a ${issue.expected}`}`;
    case 'invalid_value':
      return `is not one of ${issue.values.join(', ')}`;
    case 'invalid_union':
      return NO_SIZE;
    case 'too_small':
      return issue.origin === 'array' ? 'is empty' : `is less than ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'array' ? `has more than ${issue.maximum} items` : `is more than ${issue.maximum}`;
    default:
      return undefined;
  }
}
