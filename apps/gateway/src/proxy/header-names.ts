/** Headers of one connection, which a proxy must not pass on (RFC 9110 7.6.1; the last two are of old clients). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
  'http2-settings',
]);

const NONE: ReadonlySet<string> = new Set();

/**
 * The headers that a `Connection` header names: they are hop-by-hop too.
 *
 * @param connection its value, undefined when there is none
 * @returns names in small letters
 */
export function namedBy(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return NONE;
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

/**
 * Whether a cookie is one of ours, of which services behind the gateway see and set none. A browser sends one without a name
 * (`=puerta_a=1`) as if its value were a name and a value.
 *
 * @param cookie begins with its name
 */
export function isOurCookie(cookie: string): boolean {
  return /^[\s=]*(?:__(?:secure|host)-)?puerta[_-]/i.test(cookie);
}

/** How many names of headers are remembered: whoever sends requests makes them up. */
const MOST_NAMES = 1_000;

/**
 * Remembers what is decided about names of headers, which are nearly always the same few.
 *
 * @param decide is asked for a name in small letters
 * @returns a function that takes a name as it was sent
 */
export function remembered<T>(decide: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const decided = decide(name.toLowerCase());
    if (known.size < MOST_NAMES) known.set(name, decided);
    return decided;
  };
}
