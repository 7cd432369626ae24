import { performance } from 'node:perf_hooks';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { callContext } from '@puerta/messaging';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type EarlyChecksOptions, checkEarly } from './early-checks';
import { callContextOf, requestContextOf } from '../request/request-context';
import type { Surface } from '../routes/route-options';

export interface EdgeOptions extends EarlyChecksOptions {
  readonly securityHeaders: Readonly<Record<Surface, Readonly<Record<string, string>>>>;
  /** Told of every request that was answered. */
  readonly record: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** A sender whose request was refused may finish sending for this long, so that it can read why. */
const LINGER_MS = 5_000;

/** Puts what happens around every handler into Fastify's hooks. */
export function installEdge(adapter: FastifyAdapter, options: EdgeOptions): void {
  const { securityHeaders, routes, record } = options;
  const fastify = adapter.getInstance();

  // Of the adapter's own hooks this one is the first. All later ones and the handler run inside its `done`. Who forwards a
  // request asks no service of ours, so it needs no call context, which costs each promise something.
  adapter.setOnRequestHook((request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    const context = requestContextOf(request);
    const { config, url } = request.routeOptions;
    context.route = request.is404 ? undefined : (config.proxied ?? routes.find(request.method, url));
    context.surface = context.route?.surface ?? context.surface;
    const proxied = context.route?.proxied !== undefined;
    // What a service answers has other headers, and problems bring their own: only a preflight is answered in between.
    if (!proxied || request.method === 'OPTIONS') {
      reply
        .headers(securityHeaders[context.surface])
        .headers({ 'x-request-id': context.id, 'cache-control': 'no-store' });
    }
    if (proxied) done();
    else callContext.run(callContextOf(context), done);
  });

  fastify.addHook('onRequest', (request, reply, done) => {
    let answered: boolean | Promise<boolean>;
    try {
      answered = checkEarly(request, reply, options);
    } catch (refusal) {
      return done(refusal as Error);
    }
    if (answered === false) return done();
    if (answered !== true) answered.then((already) => void (already || done()), done);
  });

  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { surface, startedAt } = requestContextOf(request);
    if (surface === 'api') reply.header('server-timing', `total;dur=${(performance.now() - startedAt).toFixed(1)}`);
    done(null, payload);
  });

  fastify.addHook('onResponse', (request, reply, done) => {
    record(request, reply);
    if (!request.raw.complete) linger(request);
    done();
  });
}

/**
 * Node reads and drops the rest of a body that nobody wanted. Closing at once would reset the connection, and the
 * sender would see that instead of the answer; waiting for ever would let it send for ever.
 */
function linger({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.socket.destroy(), LINGER_MS).unref();
  raw.once('close', () => clearTimeout(timer));
}
