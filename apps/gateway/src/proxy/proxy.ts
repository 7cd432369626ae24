import type { UserIdentity } from '@puerta/auth';
import { DomainError } from '@puerta/contracts/core';
import { callContext } from '@puerta/messaging';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkLength } from '../request/body-length';
import { pathOf } from '../request/paths';
import { callContextOf, requestContextOf } from '../request/request-context';
import { sharedLimits } from '../routes/route-options';
import type { Route } from '../routes/routes';
import { Forwarding, type ForwardingTools } from './forwarding';
import { checkPath, rivalsOf } from './proxied-path';
import { isBelow, PROXIED_METHODS, type ProxyRoute } from '../routes/proxy-route';
import { upstreamRequestHeaders } from './request-headers';
import { checkHandshake, handshakeOf, withoutBearers } from './tunnel-handshake';
import { Upstream } from './upstream';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** On routes of the proxy: what the early checks are to know of them. */
    proxied?: Route;
  }
}

export interface ProxyOptions extends ForwardingTools {
  readonly routes: readonly ProxyRoute[];
  /** Whose pages may open WebSockets. */
  readonly origins: ReadonlySet<string>;
  /** Makes `X-Puerta-Assertion` for a user and the name of an upstream. */
  readonly assertions: { get(identity: UserIdentity, audience: string): string | Promise<string> };
}

/** Whether a request may open a WebSocket, if it is one that asks for it: on any other route it is served without. */
export function mayUpgrade({ url = '' }: { readonly url?: string }, routes: readonly ProxyRoute[]): boolean {
  const path = pathOf(url);
  return routes.some(({ prefix }) => isBelow(path, prefix));
}

/** The routes that are forwarded to services behind the gateway. */
export class Proxy {
  readonly upstreams: readonly Upstream[];

  constructor(private readonly options: ProxyOptions) {
    this.upstreams = options.routes.map(
      (route) => new Upstream(route, routeOf(route), rivalsOf(route, options.routes)),
    );
  }

  /**
   * Puts the routes below Nest's pipeline. A request is forwarded from the last of the hooks that come before its body is
   * read; the early checks are the first of them, so what they refuse gets no further.
   */
  install(fastify: FastifyInstance): void {
    for (const upstream of this.upstreams) {
      const { prefix } = upstream.options;
      const onRequest = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
        try {
          this.#forward(upstream, request, reply, done);
        } catch (error) {
          done(error as Error);
        }
      };
      for (const url of [prefix, `${prefix}/*`]) {
        fastify.route({
          method: [...PROXIED_METHODS],
          url,
          exposeHeadRoute: false,
          config: { proxied: upstream.route },
          onRequest,
          handler: () => Promise.reject(new Error('a request of the proxy was not forwarded')),
        });
      }
    }
  }

  #forward(upstream: Upstream, request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { options } = upstream;
    checkPath(request.raw.url as string, options, upstream.rivals);
    checkMethod(request.method, options);
    checkLength(request.raw.headers, options.bodyLimit);
    const handshake = handshakeOf(request.raw);
    if (handshake) checkHandshake(request.raw, handshake, this.options.origins);
    const context = requestContextOf(request);
    const { identity } = context;
    const assertion =
      options.assertion &&
      identity?.kind === 'user' &&
      callContext.run(callContextOf(context), () => this.options.assertions.get(identity, options.name));
    if (!assertion || typeof assertion === 'string')
      return this.#start(upstream, request, reply, assertion || undefined);
    assertion.then((made) => this.#start(upstream, request, reply, made)).catch(done);
  }

  #start(upstream: Upstream, request: FastifyRequest, reply: FastifyReply, assertion: string | undefined): void {
    const headers = upstreamRequestHeaders(request, requestContextOf(request), upstream.options, assertion);
    const handshake = handshakeOf(request.raw);
    const sent = handshake ? withoutBearers(headers, handshake) : headers;
    new Forwarding(this.options, upstream, request, reply, sent).start();
  }

  /** Ends what would not end by itself: who asked is to come back to another replica. */
  endLive(): void {
    this.options.live.close();
  }

  /** Closes the connections that nobody needs any more. */
  close(): void {
    this.options.pool.close();
  }
}

function routeOf(route: ProxyRoute): Route {
  return {
    method: 'ALL',
    pattern: `${route.prefix}/*`,
    requirement: route.requirement,
    surface: 'api',
    limits: sharedLimits(route.limits),
    probe: false,
    takesQuery: true,
    takesBody: true,
    file: undefined,
    proxied: route,
  };
}

function checkMethod(method: string, { methods }: ProxyRoute): void {
  if ((methods as readonly string[]).includes(method === 'HEAD' ? 'GET' : method)) return;
  throw new DomainError('method_not_allowed', { meta: { allow: [...methods].sort().join(', ') } });
}
