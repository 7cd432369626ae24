import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DomainError } from '@puerta/contracts/core';
import { httpFaultOf, HttpServer } from '@puerta/observability';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ProblemWriter } from '../problems/problem-writer';
import { answerBrokenRequest, refuseConnect } from './broken-requests';
import { requestIdOf } from '../request/request-context';
import { parseBody } from './file-body';
import { MAX_JSON_BYTES } from './json-body';
import { isScanPath } from '../request/paths';
import { readHandshake } from '../proxy/tunnel-handshake';

export interface AdapterOptions {
  readonly problems: ProblemWriter;
  /** Networks whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Which WebSocket handshakes may become tunnels. */
  readonly upgrades: (request: IncomingMessage) => boolean;
  /** Told of requests that no hook sees. */
  readonly record: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** A proxy in front keeps connections for about a minute; the side that accepts them must keep them longer. */
const KEEP_ALIVE_MS = 65_000;

/** Fastify under Nest, and the server under Fastify. */
export interface Adapter {
  readonly adapter: FastifyAdapter;
  readonly http: HttpServer;
}

/**
 * All that is decided about connections and bytes: times after which a slow sender is cut off, sizes, and a problem for
 * each way in which a request can be none.
 */
export function createAdapter({ problems, trustedProxies, upgrades, record }: AdapterOptions): Adapter {
  let http: HttpServer | undefined;
  const adapter = new FastifyAdapter({
    serverFactory: (listener: RequestListener) => (http = createHttpServer(listener, problems, upgrades)).server,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    genReqId: requestIdOf,
    bodyLimit: MAX_JSON_BYTES,
    // What arrives while connections drain is served; only new connections are refused.
    return503OnClosing: false,
    // No Nest middleware here: the hooks of Fastify's do what there is to do before a handler.
    skipMiddie: true,
    // Addresses that the router cannot read, or with an over-long parameter: no hook runs for them.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      reply.raw.once('finish', () => record(request, reply));
      const fault = httpFaultOf(request.raw);
      if (fault) return problems.answer(new DomainError(fault), request, reply);
      // No code is that long or has such characters: it is dead like any other.
      problems.answer(isScanPath(request.raw.url ?? '') ? new DomainError('card_not_found') : error, request, reply);
    },
    clientErrorHandler: (error: Error, socket: Duplex) => answerBrokenRequest(error, socket, problems),
  });
  if (!http) throw new Error('Fastify made no server');
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', parseBody);
  return { adapter, http };
}

function createHttpServer(
  listener: RequestListener,
  problems: ProblemWriter,
  upgrades: AdapterOptions['upgrades'],
): HttpServer {
  const read: RequestListener = (request, response) => {
    readHandshake(request);
    listener(request, response);
  };
  const http = new HttpServer(read, {
    upgrades,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Bodies have times of their own: see json-body, file-body and the proxy, through which one may last for hours.
    requestTimeout: 0,
    headersTimeout: 10_000,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16_384,
    // Node would answer a request without Host by itself, with an empty body.
    requireHostHeader: false,
  });
  const { server } = http;
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => refuseConnect(socket, problems));
  // Node would say "100 Continue" at once, and invite the body of a request that is refused by its headers.
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response));
  }
  return http;
}
