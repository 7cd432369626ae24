import { items } from './network';
import { refusePlaceholder } from './secrets';
import { type Environment, Unfit, type Variable, type VariableMeta, variable } from './variable';

function parse(text: string, protocols: readonly string[]): URL {
  if (!URL.canParse(text)) throw new Unfit('is not a URL');
  const url = new URL(text);
  if (!protocols.includes(url.protocol))
    throw new Unfit(`does not begin with ${protocols.map((p) => `${p}//`).join(' or ')}`);
  return url;
}

/** The password in a URL, decoded. */
function passwordOf(url: URL): string {
  try {
    return decodeURIComponent(url.password);
  } catch {
    throw new Unfit('has a password with a wrong percent sign (write % as %25)');
  }
}

/** For URLs that carry a password: a placeholder there is refused outside development. */
function refusePassword(text: string, environment: Environment): string | undefined {
  const problem = refusePlaceholder(passwordOf(new URL(text)), environment);
  return problem && `has a password that ${problem}`;
}

/** A PostgreSQL URL, with host (or `?host=` of a socket's folder) and database. */
export function databaseUrl(description: string): Variable<string> {
  return variable(
    description,
    {
      secret: true,
      expected: 'a PostgreSQL URL such as postgres://user:password@host:5432/database',
      example: 'postgres://user:…@host:5432/database',
      refuse: refusePassword,
    },
    (text) => {
      const url = parse(text, ['postgres:', 'postgresql:']);
      if (url.hostname === '' && !url.searchParams.get('host')) throw new Unfit('names no host');
      if (!/^\/[^/]+$/.test(url.pathname)) throw new Unfit('names no database');
      passwordOf(url);
      return text;
    },
  );
}

/** A Redis URL, plain or over TLS, with an optional database number. */
export function redisUrl(description: string): Variable<string> {
  return variable(
    description,
    {
      secret: true,
      expected: 'a Redis URL such as redis://:password@host:6379 (rediss:// for TLS)',
      example: 'redis://:…@host:6379',
      refuse: refusePassword,
    },
    (text) => {
      const url = parse(text, ['redis:', 'rediss:']);
      if (url.hostname === '') throw new Unfit('names no host');
      if (!/^\/?\d{0,2}$/.test(url.pathname)) throw new Unfit('has a path that is not a database number');
      passwordOf(url);
      return text;
    },
  );
}

function readHttpUrl(text: string): string {
  const url = parse(text, ['http:', 'https:']);
  if (url.username !== '' || url.password !== '') throw new Unfit('holds credentials');
  if (/[?#]/.test(text)) throw new Unfit('has a query or a fragment');
  if (text.endsWith('/')) throw new Unfit('ends in a slash');
  // What is compared or printed later must be the one spelling that URL parsers agree on.
  if (url.href.replace(/\/$/, '') !== text)
    throw new Unfit('is not in its normal form (small letters, no default port, no spaces)');
  return text;
}

const HTTP_URL: VariableMeta = {
  expected: 'an http or https URL without credentials, query or trailing slash',
  example: 'https://puerta.example.com',
};

/** An http(s) URL to which paths are appended: no credentials, query, fragment or trailing slash. */
export function httpUrl(description: string): Variable<string> {
  return variable(description, HTTP_URL, readHttpUrl);
}

/** Tests run on one machine, where there is no certificate and nobody between. */
function isLoopback(text: string): boolean {
  return /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?:[:/]|$)/.test(text);
}

function refusePlain(text: string, environment: Environment): string | undefined {
  const tolerated = environment === 'development' || (environment === 'test' && isLoopback(text));
  return tolerated || text.startsWith('https:') ? undefined : 'is not https';
}

/** The same for a URL that people and tokens see: https is required outside development (and loopback in tests). */
export function publicUrl(description: string): Variable<string> {
  return variable(
    description,
    {
      ...HTTP_URL,
      expected: `${HTTP_URL.expected}; https outside development`,
      refuse: refusePlain,
    },
    readHttpUrl,
  );
}

function readOrigin(text: string): string {
  if (text.includes('*')) throw new Unfit('has a wildcard');
  const url = parse(text, ['http:', 'https:']);
  if (url.origin !== text) throw new Unfit('has an item that is not an exact origin (scheme, host and port alone)');
  return text;
}

/** One exact origin. */
export function origin(description: string): Variable<string> {
  return variable(
    description,
    { expected: 'an origin such as https://app.example.com', example: 'https://app.example.com' },
    readOrigin,
  );
}

/** A list of exact origins; a wildcard is refused. */
export function origins(description: string): Variable<readonly string[]> {
  return variable(
    description,
    {
      expected: 'origins such as https://app.example.com, separated by commas',
      example: 'https://app.example.com,https://admin.example.com',
    },
    (text) => items(text).map(readOrigin),
  );
}
