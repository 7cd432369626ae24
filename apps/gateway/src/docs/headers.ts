import type { OpenAPIObject } from '@nestjs/swagger';
import type { Route } from '../routes/routes';

type Headers = NonNullable<NonNullable<OpenAPIObject['components']>['headers']>;
type References = Record<string, { $ref: string }>;

const text = (pattern: string, example: string) => ({ type: 'string', pattern, example });
const limits = (parameters: string): string => `^"[\\w-]+"${parameters}(, "[\\w-]+"${parameters})*$`;

/** The headers of our answers that say something to who asked, beside those that HTTP itself needs. */
export const HEADERS: Headers = {
  'X-Request-ID': {
    description: 'Names this request in our logs: yours, if you sent a plain word, else a new one',
    required: true,
    schema: text('^[A-Za-z0-9._-]{1,64}$', '01a1fc74-d267-721b-a81d-0e89c132b090'),
  },
  'Server-Timing': {
    description: 'How many milliseconds it took',
    schema: text('^total;dur=\\d+\\.\\d$', 'total;dur=4.2'),
  },
  'RateLimit-Policy': {
    description: 'The limits that count for this request: `q` requests each `w` seconds',
    schema: text(limits(';q=\\d+;w=\\d+'), '"address";q=600;w=60'),
  },
  RateLimit: {
    description: 'How much of each is left: `r` requests; all of them again in `t` seconds',
    schema: text(limits(';r=\\d+;t=\\d+'), '"address";r=599;t=1'),
  },
  'Retry-After': {
    description: 'Seconds after which asking again makes sense',
    required: true,
    schema: { type: 'integer', minimum: 0, example: 2 },
  },
  'WWW-Authenticate': {
    description: 'RFC 6750',
    required: true,
    schema: text('^Bearer', 'Bearer error="invalid_token"'),
  },
  'Content-Language': {
    description: 'Of the texts for people',
    required: true,
    schema: { type: 'string', enum: ['en', 'es'] },
  },
  Location: {
    description: 'Where it is',
    required: true,
    schema: { type: 'string', format: 'uri-reference', example: '/api/v1/cards/01993c1e-7d52-7c3a-9b1f-2f6f0f6c1a11' },
  },
  ETag: {
    description: 'Of what was answered: send it as `If-None-Match`, and what has not changed is not sent again',
    required: true,
    schema: text('^"[\\w-]+"$', '"q3Zt5Xw7Yb9Cd1Ef3Gh5Ij"'),
  },
};

/** What a response says of these headers. */
export function headers(...names: string[]): References {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const LIMITS = ['RateLimit-Policy', 'RateLimit'];

/** Those that any answer may have. */
export const ANYWHERE = ['X-Request-ID', 'Server-Timing', ...LIMITS];

/** Those that each answer of a route may have. */
export function headersOf({ limits: limited, surface }: Route): References {
  return headers('X-Request-ID', ...(surface === 'api' ? ['Server-Timing'] : []), ...(limited ? LIMITS : []));
}

/** Those that each answer of a status has. */
export function headersOfStatus(status: string): References {
  if (status === '401') return headers('WWW-Authenticate');
  return ['429', '503'].includes(status) ? headers('Retry-After') : {};
}
