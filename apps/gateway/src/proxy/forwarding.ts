import { performance } from 'node:perf_hooks';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Duplex } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import { networkOf } from '../limits/network';
import type { ProblemWriter } from '../problems/problem-writer';
import { hasBody } from '../request/body-length';
import { type RequestContext, requestContextOf } from '../request/request-context';
import type { Admission } from './circuit-breaker';
import type { Connection, ConnectionPool } from './connection-pool';
import type { EndReason, LiveConnections, LiveKind } from './live-connections';
import type { ProxiedMethod } from '../routes/proxy-route';
import { RequestBody } from './request-body';
import { addUpstreamHeaders } from './response-headers';
import { Tunnel } from './tunnel';
import { acceptance, type Handshake, handshakeOf } from './tunnel-handshake';
import type { Target, Upstream } from './upstream';
import { isConnectionFailure, problemOf } from './upstream-errors';

/** What all forwardings share. */
export interface ForwardingTools {
  readonly pool: ConnectionPool;
  readonly problems: ProblemWriter;
  readonly live: LiveConnections;
  /** Names and values in turn that every proxied answer has. */
  readonly answerHeaders: readonly string[];
  /** Told of requests that end without a whole answer: Fastify tells of the others alone. */
  readonly record: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** Methods that mean the same sent once or twice (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** In the log and the metrics alone, for nobody reads it: what nginx says there of clients that go before their answer. */
const CLIENT_GONE = 499;

/** An answer that takes longer is watched over: what is shorter is over before anybody's access is taken. */
const LONG_MS = 5_000;

/** Who waits for longer than this for a connection comes back when it has been served to others. */
const MOST_WAIT_MS = 2_000;
const RETRY_SECONDS = 1;

/** What the early checks have put on the answer, and a proxied answer keeps. */
const KEPT = [
  'vary',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
  'ratelimit-policy',
  'ratelimit',
];

/**
 * One request on its way to an upstream and its answer on the way back: bytes are passed on as they come, no faster than
 * they are taken. undici calls it.
 */
export class Forwarding implements Dispatcher.DispatchHandler {
  readonly #context: RequestContext;
  readonly #body: RequestBody | undefined;
  #connection: Connection | undefined;
  #target: Target | undefined;
  #admission: Admission = 'ordinary';
  #controller: Dispatcher.DispatchController | undefined;
  #retries: number;
  #phase: 'waiting' | 'answering' | 'over' = 'waiting';
  /** Of the whole time it may take. */
  #timer: NodeJS.Timeout | undefined;
  /** Of a client that does not take what it is sent. */
  #slow: NodeJS.Timeout | undefined;
  /** Of an upstream that goes on saying that its answer is to come. */
  #late: NodeJS.Timeout | undefined;
  #giveUpWaiting: (() => void) | undefined;
  /** Ends the watch over an answer that lasts. */
  #forget: (() => void) | undefined;
  readonly #handshake: Handshake | undefined;

  constructor(
    private readonly tools: ForwardingTools,
    private readonly upstream: Upstream,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly headers: string[],
  ) {
    const { bodyLimit, timeouts, retries } = upstream.options;
    this.#context = requestContextOf(request);
    this.#retries = IDEMPOTENT.has(request.method) ? retries : 0;
    if (hasBody(request.raw.headers)) {
      const begin = (): void => this.#invite();
      const fail = (error: DomainError): void => this.#fail(error);
      this.#body = new RequestBody(request.raw, { limit: bodyLimit, idleMs: timeouts.idleMs, begin, fail });
    }
    this.#handshake = handshakeOf(request.raw);
  }

  /** Sends the request. It answers by itself. */
  start(): void {
    const { socket } = this.request.raw;
    // It went while it was found out who it is.
    if (socket.destroyed) return this.#gone();
    // Not of the response: one that waits behind another on the same connection is not told. Nor is one whose body turned
    // out to be no HTTP, after which nothing more is written.
    socket.setMaxListeners(0).on('close', this.#gone).on('finish', this.#gone);
    if (this.#handshake) this.#listen(this.#handshake);
    const { wholeMs } = this.upstream.options.timeouts;
    if (wholeMs !== undefined) this.#timer = setTimeout(() => this.#fail(new DomainError('upstream_timeout')), wholeMs);
    this.#send();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#phase === 'over') controller.abort(new Error('nobody waits for it'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Early hints and their like end here: not every client understands them.
    if (this.#phase !== 'waiting') return;
    // Of a protocol that was not asked for.
    if (status === 101) return this.#fail(new DomainError('upstream_unreachable'));
    if (status < 200) return this.#waitOn();
    clearTimeout(this.#late);
    const headers = this.#ownHeaders();
    addUpstreamHeaders(controller.rawHeaders as Buffer[], status, headers);
    this.#phase = 'answering';
    this.#target?.breaker.succeeded();
    this.reply.hijack();
    const { raw } = this.reply;
    raw.writeHead(status, headers);
    // No body comes. undici takes it for an error if there is a length all the same, as there may be (RFC 9110 8.6).
    if (status === 204 || status === 304) return this.#finish();
    // Should the body take its time, the headers do not wait for it.
    process.nextTick(flushHeaders, raw);
    if (isEventStream(headers)) this.#stayLive('events', (reason) => this.#endEvents(reason));
  }

  onRequestUpgrade(controller: Dispatcher.DispatchController, status: number, _headers: object, socket: Duplex): void {
    const connection = this.#connection as Connection;
    this.#connection = undefined;
    // Its place among all connections is taken for as long as it is open.
    socket.once('close', () => this.tools.pool.discard(connection)).on('error', () => undefined);
    if (this.#phase !== 'waiting') return void socket.destroy();
    const answer = this.#ownHeaders();
    addUpstreamHeaders(controller.rawHeaders as Buffer[], status, answer);
    const headers = this.#handshake && acceptance(this.request.raw, this.#handshake, answer);
    this.#target?.breaker.succeeded();
    if (headers) return this.#open(socket, headers, this.#handshake as Handshake);
    socket.destroy();
    this.#fail(new DomainError('upstream_unreachable'));
  }

  /** From here on the connection speaks WebSocket. */
  #open(upstream: Duplex, headers: string[], { socket: client }: Handshake): void {
    this.#end();
    client.removeAllListeners('data').removeAllListeners('end');
    this.reply.hijack();
    this.reply.raw.writeHead(101, headers);
    this.reply.raw.flushHeaders();
    const { idleMs, wholeMs } = this.upstream.options.timeouts;
    const tunnel = new Tunnel({
      client,
      upstream,
      stuckMs: idleMs,
      passed: (bytes) => (this.#context.bytes = (this.#context.bytes ?? 0) + bytes),
      closed: (reason) => {
        this.#end();
        if (reason) this.#context.cut = reason;
        this.tools.record(this.request, this.reply);
      },
    });
    if (wholeMs !== undefined) this.#timer = setTimeout(() => tunnel.end('upstream_timeout'), wholeMs);
    this.#stayLive('websocket', (reason) => tunnel.end(reason));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { raw } = this.reply;
    this.#context.bytes = (this.#context.bytes ?? 0) + chunk.length;
    if (!this.#forget && performance.now() - this.#context.startedAt > LONG_MS) {
      this.#stayLive('stream', (reason) => this.#cut(reason));
      if (raw.destroyed) return;
    }
    if (raw.write(chunk)) return;
    controller.pause();
    this.#watch();
    raw.once('drain', () => {
      clearTimeout(this.#slow);
      controller.resume();
    });
  }

  onResponseEnd(): void {
    if (this.#connection?.broken) return this.onResponseError(undefined, new errors.SocketError('reset'));
    if (this.#phase === 'answering') this.#finish();
    this.#release(true);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#phase === 'over') return this.#release(false);
    this.#late = void clearTimeout(this.#late);
    const target = this.#target;
    this.#release(false);
    const { failures } = this.upstream;
    if (this.#phase === 'answering') {
      failures.broke_off += 1;
      return this.#cut('upstream_broke_off');
    }
    const problem = problemOf(error);
    failures[problem.code === 'upstream_timeout' ? 'timeout' : 'unreachable'] += 1;
    target?.breaker.failed(this.#admission);
    if (isConnectionFailure(error) && this.#mayRetry()) return this.#send();
    this.#fail(problem);
  }

  /** undici waits anew after each answer that is none yet: so there could be one of them for ever. */
  #waitOn(): void {
    if (this.#late || !this.request.raw.complete) return;
    const late = (): void => this.onResponseError(undefined, new errors.HeadersTimeoutError());
    this.#late = setTimeout(late, this.upstream.options.timeouts.headersMs);
  }

  #finish(): void {
    const { raw } = this.reply;
    this.#end();
    raw.end();
    if (raw.writableFinished) return;
    this.#watch();
    raw.once('close', () => clearTimeout(this.#slow));
  }

  #send(): void {
    const picked = this.upstream.pick();
    if ('waitMs' in picked) {
      const meta = { retry_after: Math.ceil(picked.waitMs / 1_000) };
      return this.#fail(new DomainError('upstream_unavailable', { meta }));
    }
    this.#target = picked.target;
    this.#admission = picked.admission;
    const { identity } = this.#context;
    const holder = identity?.kind === 'user' ? identity.actor.user_id : networkOf(this.request.ip);
    const waiting = this.tools.pool.acquire(picked.target, (connection) => this.#dispatch(connection), holder);
    if (waiting === undefined) return;
    if (waiting === 'full') return this.#busy();
    if (waiting === 'too_many') {
      return this.#fail(new DomainError('too_many_requests', { meta: { retry_after: RETRY_SECONDS } }));
    }
    const timer = setTimeout(() => this.#busy(), MOST_WAIT_MS);
    this.#giveUpWaiting = () => {
      clearTimeout(timer);
      waiting();
    };
  }

  #dispatch(connection: Connection): void {
    this.#connection = connection;
    this.#giveUpWaiting?.();
    this.#giveUpWaiting = undefined;
    const { method, raw } = this.request;
    const { headersMs, idleMs } = this.upstream.options.timeouts;
    const options: Dispatcher.DispatchOptions = {
      path: raw.url as string,
      method: method as ProxiedMethod,
      headers: this.headers,
      headersTimeout: headersMs,
      bodyTimeout: idleMs,
      body: (this.#body ?? null) as Dispatcher.DispatchOptions['body'],
      // undici would close the connection after each HEAD. Who was asked to speak WebSocket may listen for nothing else any
      // more, whatever it answered.
      reset: this.#handshake !== undefined,
      ...(this.#handshake && { upgrade: 'websocket' }),
    };
    try {
      connection.client.dispatch(options, this);
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  /** A client that asked whether to send its body is told so when there is somebody to take it. */
  #invite(): void {
    const { headers, httpVersion } = this.request.raw;
    // RFC 9110 10.1.1: HTTP/1.0 knows no such answer.
    if (headers.expect?.toLowerCase() === '100-continue' && httpVersion !== '1.0') this.reply.raw.writeContinue();
  }

  #mayRetry(): boolean {
    if (this.#body?.begun || this.#retries <= 0) return false;
    this.#retries -= 1;
    this.upstream.retries += 1;
    this.#context.retries = (this.#context.retries ?? 0) + 1;
    return true;
  }

  #ownHeaders(): string[] {
    const { id, startedAt } = this.#context;
    const headers = [...this.tools.answerHeaders, 'X-Request-ID', id];
    headers.push('Server-Timing', `total;dur=${(performance.now() - startedAt).toFixed(1)}`);
    for (const name of KEPT) {
      const value = this.reply.getHeader(name);
      if (value !== undefined) headers.push(name, String(value));
    }
    return headers;
  }

  /** All connections are taken, and others wait already. */
  #busy(): void {
    this.#fail(new DomainError('upstream_unavailable', { meta: { retry_after: RETRY_SECONDS } }));
  }

  /** Answers with a problem, if nothing was answered yet. */
  #fail(error: DomainError): void {
    if (this.#phase === 'answering') return this.#cut(error.code);
    if (this.#phase === 'over') return;
    this.#forsake();
    this.tools.problems.answer(error, this.request, this.reply);
  }

  /** Half an answer is out: cutting the connection says that it is not whole. */
  #cut(reason: RequestContext['cut']): void {
    this.#context.cut = reason;
    this.#end();
    this.#abort();
    const { raw } = this.reply;
    raw.destroy();
    // Node calls an answer finished that was written to its end, though nobody takes it: Fastify tells of that one.
    if (!raw.writableEnded) this.tools.record(this.request, this.reply);
  }

  /** Until it is answered, nobody else reads from the connection of a handshake. */
  #listen({ socket }: Handshake): void {
    // A client that does not wait for its answer may be somebody who wants one connection to be read as two.
    socket.once('data', () => this.#phase === 'waiting' && this.#fail(new DomainError('bad_request')));
    socket.once('end', () => this.reply.raw.destroy());
  }

  #stayLive(kind: LiveKind, end: (reason: EndReason) => void): void {
    const { identity } = this.#context;
    const { requirement } = this.upstream.options;
    const { rawHeaders } = this.request.raw;
    const credential = { rawHeaders: rawHeaders.filter((_, i) => isAuthorization(rawHeaders[i - (i % 2)])) };
    this.#forget = this.tools.live.add({ kind, identity, requirement, credential, end });
  }

  /** Events have no last one that would be missed. */
  #endEvents(reason: EndReason): void {
    if (this.#phase !== 'answering') return;
    this.#context.cut = reason;
    this.#finish();
    this.#abort();
  }

  readonly #gone = (): void => {
    if (this.#phase === 'over') return;
    // What the client asked for is not worth the upstream's time any more.
    this.#context.cut = 'client_gone';
    if (this.#phase === 'waiting') this.reply.code(CLIENT_GONE);
    this.#forsake();
    this.tools.record(this.request, this.reply);
  };

  /** Gives the request up. Were it a probe, another may be one. */
  #forsake(): void {
    if (this.#phase === 'waiting') this.#target?.breaker.abandoned(this.#admission);
    this.#end();
    this.#abort();
  }

  /** Cuts the client off unless it takes what it was sent. */
  #watch(): void {
    const { raw } = this.reply;
    // Its turn has not come: the answer before it, on the same connection, is still being taken.
    if (!raw.socket) return void raw.once('socket', () => this.#watch());
    this.#slow = setTimeout(() => this.#cut('client_too_slow'), this.upstream.options.timeouts.idleMs);
  }

  #end(): void {
    this.#phase = 'over';
    this.request.raw.socket.off('close', this.#gone).off('finish', this.#gone);
    clearTimeout(this.#timer);
    clearTimeout(this.#slow);
    clearTimeout(this.#late);
    this.#giveUpWaiting?.();
    this.#giveUpWaiting = undefined;
    this.#forget?.();
  }

  #abort(): void {
    // While it connects there is nothing to abort but the connection.
    if (this.#controller) this.#controller.abort(new Error('nobody waits for it'));
    this.#release(false);
  }

  #release(reusable: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#controller = undefined;
    if (!connection) return;
    // Not before undici is done with what it has read: were there a second answer in it, it would be for who comes next.
    if (reusable) process.nextTick(() => this.tools.pool.release(connection));
    else this.tools.pool.discard(connection);
  }
}

function isAuthorization(name = ''): boolean {
  return name.toLowerCase() === 'authorization';
}

/** Without a length: what has one is cut, so that nobody takes it for whole. */
function isEventStream(headers: readonly string[]): boolean {
  let events = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (name === 'content-length') return false;
    if (name === 'content-type') events = (headers[i + 1] as string).toLowerCase().startsWith('text/event-stream');
  }
  return events;
}

function flushHeaders(response: { flushHeaders(): void; readonly destroyed: boolean }): void {
  if (!response.destroyed) response.flushHeaders();
}
