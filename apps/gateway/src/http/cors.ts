import type { FastifyReply, FastifyRequest } from 'fastify';
import { vary } from '../request/vary';
import { EXPOSED_HEADERS, READ_HEADERS } from './header-names';

const METHODS = 'GET, HEAD, POST, PATCH, PUT, DELETE';

/** Browsers ask again after this long (Chromium caps it at two hours). */
const PREFLIGHT_SECONDS = 600;

/**
 * Cross-origin requests from exact origins, with credentials (Fetch standard, "CORS protocol"). An origin that is not
 * admitted gets no CORS header at all. Preflights come without a token, so they are answered before anybody is asked
 * for one; they change nothing and cost nothing.
 *
 * @param proxied whether a service behind the gateway is asked, of which we do not know what headers it reads
 * @returns true if the request was a preflight and is answered.
 */
export function answerCors(
  request: FastifyRequest,
  reply: FastifyReply,
  origins: ReadonlySet<string>,
  proxied: boolean,
): boolean {
  // What an answer says depends on the origin even when the origin is not admitted: caches must know.
  vary(reply, 'Origin');
  const { origin } = request.headers;
  const asked = request.headers['access-control-request-headers'];
  const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
  if (origin === undefined || !origins.has(origin)) {
    // No service sees a preflight: it would answer for an origin that only we decide about.
    if (!proxied || !preflight || origin === undefined) return false;
    void reply.code(204).send();
    return true;
  }
  reply.header('access-control-allow-origin', origin).header('access-control-allow-credentials', 'true');
  if (!preflight) {
    reply.header('access-control-expose-headers', EXPOSED_HEADERS.join(', '));
    return false;
  }
  vary(reply, 'Access-Control-Request-Method, Access-Control-Request-Headers');
  void reply
    .code(204)
    .headers({
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': (proxied && asked) || READ_HEADERS.join(', '),
      'access-control-max-age': String(PREFLIGHT_SECONDS),
      'cache-control': `public, max-age=${PREFLIGHT_SECONDS}`,
    })
    .send();
  return true;
}
