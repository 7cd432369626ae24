import { items } from './network';
import { refusePlaceholder } from './secrets';
import { type Environment, Unfit, type Variable, variable } from './variable';

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

/** Which Redis: one; whichever Sentinels say is the primary; or, of a Cluster, whichever node has the keys in question. */
const REDIS_URL = /^(rediss?)(-sentinel|-cluster)?:\/\/((?:[^/?#]*@)?)([^@/?#]*)(.*)$/s;

/** @returns the URL with its first host alone, which is what URL parsers understand, and what kind it is */
function parseRedis(text: string): { url: URL; kind: string | undefined } {
  const [, protocol, kind, user = '', hosts = '', rest = ''] = REDIS_URL.exec(text) ?? [];
  if (protocol === undefined) {
    throw new Unfit('does not begin with redis://, redis-sentinel:// or redis-cluster:// (rediss…:// for TLS)');
  }
  if (hosts === '') throw new Unfit('names no host');
  const list = items(hosts);
  if (kind === undefined && list.length > 1) {
    throw new Unfit('names several hosts; that needs redis-sentinel:// or redis-cluster://');
  }
  const [first] = list.map((item) => {
    const one = `${protocol}://${user}${item}${rest}`;
    if (!URL.canParse(one)) throw new Unfit(list.length > 1 ? 'has an item that is not host:port' : 'is not a URL');
    return new URL(one);
  });
  if (!first) throw new Unfit('names no host');
  return { url: first, kind };
}

/** Database numbers that Redis may have. */
const DATABASE = /^\d{1,2}$/;

function requireRedisPath({ url, kind }: { url: URL; kind: string | undefined }): void {
  const path = url.pathname.replace(/^\//, '');
  const [name = '', database, more] = path.split('/');
  if (kind === undefined && path !== '' && !DATABASE.test(path)) {
    throw new Unfit('has a path that is not a database number');
  }
  if (kind === '-cluster' && path !== '') throw new Unfit('has a path; a Cluster has no database numbers');
  if (kind !== '-sentinel') return;
  if (!/^[\w.-]+$/.test(name))
    throw new Unfit('does not say by which name the Sentinels know the primary (…/mymaster)');
  if (more !== undefined || (database !== undefined && !DATABASE.test(database))) {
    throw new Unfit('has more after the name than a database number');
  }
}

const OF_SENTINELS = ['sentinel_user', 'sentinel_password'];

function requireRedisQuery({ url, kind }: { url: URL; kind: string | undefined }): void {
  if (kind === undefined) return;
  const known = kind === '-sentinel' ? OF_SENTINELS : [];
  if ([...url.searchParams.keys()].every((name) => known.includes(name))) return;
  throw new Unfit(known.length > 0 ? `has a parameter other than ${known.join(' and ')}` : 'has parameters');
}

/** For the passwords of Redis and of Sentinels: no placeholders outside development. */
function refuseRedisPasswords(text: string, environment: Environment): string | undefined {
  const { url } = parseRedis(text);
  const passwords = [passwordOf(url), url.searchParams.get('sentinel_password') ?? ''];
  const problem = passwords.map((password) => refusePlaceholder(password, environment)).find(Boolean);
  return problem && `has a password that ${problem}`;
}

/**
 * A Redis URL, plain or over TLS: of one Redis, with an optional database number; of the Sentinels that know the primary,
 * `redis-sentinel://user:password@host:26379,…/name`; or of some nodes of a Cluster, `redis-cluster://…@host:6379,…`.
 */
export function redisUrl(description: string): Variable<string> {
  return variable(
    description,
    {
      secret: true,
      expected:
        'a Redis URL such as redis://:password@host:6379, redis-sentinel://:password@host:26379,host:26379/name or ' +
        'redis-cluster://:password@host:6379,host:6379 (rediss…:// for TLS)',
      refuse: refuseRedisPasswords,
    },
    (text) => {
      const parsed = parseRedis(text);
      requireRedisPath(parsed);
      requireRedisQuery(parsed);
      passwordOf(parsed.url);
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

/** Tests run on one machine, where there is no certificate and nobody between. */
function isLoopback(text: string): boolean {
  return /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?:[:/]|$)/.test(text);
}

/** What is wrong with a URL that is not https in this environment. */
export function refusePlain(text: string, environment: Environment): string | undefined {
  const tolerated = environment === 'development' || (environment === 'test' && isLoopback(text));
  return tolerated || text.startsWith('https:') ? undefined : 'is not https';
}

/**
 * An http(s) URL to which paths are appended, and which people and tokens see: no credentials, query, fragment or trailing
 * slash; https outside development (and loopback in tests).
 */
export function publicUrl(description: string): Variable<string> {
  const expected = 'an http or https URL without credentials, query or trailing slash; https outside development';
  return variable(description, { expected, refuse: refusePlain }, readHttpUrl);
}

function readOrigin(text: string): string {
  if (text.includes('*')) throw new Unfit('has a wildcard');
  const url = parse(text, ['http:', 'https:']);
  if (url.origin !== text) throw new Unfit('has an item that is not an exact origin (scheme, host and port alone)');
  return text;
}

/** Where a program of the operator's own network is asked, perhaps below a path. */
export function serviceUrl(description: string): Variable<string> {
  const expected = 'an http or https URL without credentials, query or trailing slash';
  return variable(description, { expected }, readHttpUrl);
}

/** One exact origin. */
export function origin(description: string): Variable<string> {
  return variable(description, { expected: 'an origin such as https://app.example.com' }, readOrigin);
}

/**
 * The origin of a service that the gateway asks, which may say the port that is understood anyway (`http://ingest:80`).
 * @returns the origin as URL parsers write it
 * @throws Unfit when it is anything else
 */
export function readUpstream(text: string): string {
  const url = parse(text, ['http:', 'https:']);
  if (url.username !== '' || url.password !== '') throw new Unfit('holds credentials');
  if (/[?#]/.test(text)) throw new Unfit('has a query or a fragment');
  if (url.pathname !== '/' || text.endsWith('/'))
    throw new Unfit('has a path; the path of a request is kept as it came');
  const usual = `${url.origin}:${url.protocol === 'https:' ? 443 : 80}`;
  if (text !== url.origin && text !== usual) {
    throw new Unfit('is not in its normal form (small letters, a plain address, no spaces)');
  }
  if (url.port === '0' || !HOST.test(url.hostname)) throw new Unfit('names no host and port that can be asked');
  return url.origin;
}

/** What can be asked: names and addresses, none with a wildcard. */
const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])$/;

/** The origin of a service that the gateway asks. */
export function upstream(description: string): Variable<string> {
  const expected = 'an origin such as http://ingest:8000 (scheme, host and port alone)';
  return variable(description, { expected }, readUpstream);
}

/** A list of exact origins; a wildcard is refused. */
export function origins(description: string): Variable<readonly string[]> {
  const expected = 'origins such as https://app.example.com, separated by commas';
  return variable(description, { expected }, (text) => items(text).map(readOrigin));
}
