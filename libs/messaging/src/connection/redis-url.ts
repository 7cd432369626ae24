export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** What a Redis URL says, of whichever of the three kinds. */
export interface RedisUrl {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** The Redis itself; Sentinels; or some nodes of the Cluster. */
  readonly addresses: readonly [Address, ...Address[]];
  readonly credentials: Credentials;
  readonly database: number;
  /** By which the Sentinels know the primary. */
  readonly primary: string;
  /** Sentinels have passwords of their own, or none. */
  readonly sentinel: Credentials;
}

const FORM = /^redis(s?)(?:-(sentinel|cluster))?:\/\/((?:[^/?#]*@)?)([^@/?#]+)(.*)$/s;
const PORTS = { single: 6379, sentinel: 26379, cluster: 6379 };

/**
 * Reads `redis://user:password@host:port/database`, `redis-sentinel://…@host:port,host:port/name/database` with the
 * parameters `sentinel_user` and `sentinel_password`, or `redis-cluster://…@host:port,host:port`; `rediss…` for TLS.
 *
 * @throws TypeError when it is none of these; the message does not hold it
 */
export function parseRedisUrl(text: string): RedisUrl {
  const [, secure, variant, user = '', hosts = '', rest = ''] = FORM.exec(text) ?? [];
  if (secure === undefined) throw new TypeError('not a Redis URL');
  const kind = (variant ?? 'single') as RedisUrl['kind'];
  const [first, ...others] = hosts.split(',').map((host) => url(`redis://${host.trim()}`));
  if (!first || (kind === 'single' && others.length > 0)) throw new TypeError('not a Redis URL');
  const whole = url(`redis://${user}host${rest}`);
  const path = whole.pathname.split('/').filter(Boolean);
  const parameters = whole.searchParams;
  return {
    kind,
    tls: secure === 's',
    addresses: [addressOf(first, PORTS[kind]), ...others.map((other) => addressOf(other, PORTS[kind]))],
    credentials: credentials(decodeURIComponent(whole.username), decodeURIComponent(whole.password)),
    database: Number(path[kind === 'sentinel' ? 1 : 0] ?? 0),
    primary: decodeURIComponent((kind === 'sentinel' && path[0]) || ''),
    sentinel: credentials(parameters.get('sentinel_user'), parameters.get('sentinel_password')),
  };
}

function credentials(username: string | null, password: string | null): Credentials {
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function url(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError('not a Redis URL');
  return new URL(text);
}

function addressOf({ hostname, port }: URL, defaultPort: number): Address {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPort };
}
