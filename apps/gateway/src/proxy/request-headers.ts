import type { Identity } from '@puerta/auth';
import { formatTraceparent } from '@puerta/observability';
import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../request/request-context';
import { HOP_BY_HOP, isOurCookie, namedBy, remembered } from './header-names';
import type { ProxyRoute } from '../routes/proxy-route';

/** What becomes of a header that a client sends. */
type Fate = 'pass' | 'drop' | 'authorization' | 'cookie';

/** What the gateway itself says or has dealt with, besides the hop-by-hop ones. */
const OURS: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'x-request-id',
  'traceparent',
  'tracestate',
  // Where a request came from and what it asked is said by us, or by a proxy that we trust.
  'forwarded',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
]);

/** Credentials, and where a body ends and what it is: of these no other spelling is passed on. */
const EXACT: ReadonlySet<string> = new Set(['authorization', 'cookie', 'content-length', 'content-type']);

const OUR_PREFIXES = ['x-user-', 'x-company-', 'x-puerta-', 'x-forwarded-'];

const fateOf = remembered((name): Fate => {
  // Some servers make one name of `X-User-ID`, `X_User_ID` and `X.User.ID` (CGI, WSGI and what is like them).
  const read = name.replace(/[^a-z0-9]/g, '-');
  if (HOP_BY_HOP.has(read) || OURS.has(read)) return 'drop';
  if (OUR_PREFIXES.some((prefix) => read.startsWith(prefix) || read === prefix.slice(0, -1))) return 'drop';
  if (EXACT.has(read) && name !== read) return 'drop';
  return name === 'authorization' || name === 'cookie' ? name : 'pass';
});

/**
 * The headers of a request as an upstream gets them: the client's, without those of its connection and those that only
 * we may set, and then ours.
 *
 * @param assertion for services that want proof of who it is
 * @returns names and values in turn
 */
export function upstreamRequestHeaders(
  request: FastifyRequest,
  { id, trace, identity }: RequestContext,
  route: ProxyRoute,
  assertion?: string,
): string[] {
  const { rawHeaders, headers } = request.raw;
  const named = namedBy(headers.connection);
  const sent: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    const fate = fateOf(name);
    if (fate === 'drop' || (named.size > 0 && named.has(name.toLowerCase()))) continue;
    if (fate === 'pass' || (fate === 'authorization' && passesAuthorization(route))) sent.push(name, value);
    else if (fate === 'cookie') {
      const cookies = route.pass.cookies ? value : othersCookies(value);
      if (cookies !== '') sent.push(name, cookies);
    }
  }
  addForwarded(sent, request);
  sent.push('X-Request-ID', id, 'traceparent', formatTraceparent(trace));
  if (trace.state !== undefined) sent.push('tracestate', trace.state);
  addIdentity(sent, identity);
  if (assertion !== undefined) sent.push('X-Puerta-Assertion', assertion);
  return sent;
}

/** On a public route the header is none of our business. */
function passesAuthorization({ requirement, pass }: ProxyRoute): boolean {
  return requirement.guard === 'public' || pass.authorization;
}

function othersCookies(value: string): string {
  return value
    .split(';')
    .filter((cookie) => !isOurCookie(cookie))
    .join(';')
    .trim();
}

/** Who asked what, as far as a trusted proxy in front of us says; else as we see it. */
function addForwarded(sent: string[], request: FastifyRequest): void {
  const { ips, raw } = request;
  const addresses = ips ? [...ips].reverse() : [raw.socket.remoteAddress ?? ''];
  const chain = addresses.map((address) => (address.startsWith('::ffff:') ? address.slice(7) : address)).join(', ');
  // A trusted proxy may have passed on what somebody made up.
  const scheme = request.protocol === 'https' ? 'https' : 'http';
  sent.push('X-Forwarded-For', chain, 'X-Forwarded-Proto', scheme, 'X-Forwarded-Host', request.host);
}

function addIdentity(sent: string[], identity: Identity | undefined): void {
  if (identity?.kind !== 'user') return;
  const { user_id, email, company_id, role } = identity.actor;
  sent.push('X-User-ID', user_id, 'X-User-Email', octets(email));
  if (company_id !== null) sent.push('X-Company-ID', company_id);
  if (role !== null) sent.push('X-User-Roles', role);
}

/** Text as the bytes of its UTF-8, one character for each, which is how Node writes headers. */
function octets(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
