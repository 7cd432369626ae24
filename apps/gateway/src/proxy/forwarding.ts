import { performance } from 'node:perf_hooks';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Dispatcher } from 'undici';
import type { ProblemWriter } from '../problems/problem-writer';
import { type RequestContext, requestContextOf } from '../request/request-context';
import type { Admission } from './circuit-breaker';
import type { Connection, ConnectionPool } from './connection-pool';
import type { ProxiedMethod } from './proxy-route';
import { hasBody, RequestBody } from './request-body';
import { addUpstreamHeaders } from './response-headers';
import type { Target, Upstream } from './upstream';
import { problemOf } from './upstream-errors';

/** What all forwardings share. */
export interface ForwardingTools {
  readonly pool: ConnectionPool;
  readonly problems: ProblemWriter;
  /** Names and values in turn that every proxied answer has. */
  readonly answerHeaders: readonly string[];
}

/** Methods that mean the same sent once or twice (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

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
  #timer: NodeJS.Timeout | undefined;
  #giveUpWaiting: (() => void) | undefined;

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
    if (hasBody(request.raw)) {
      const fail = (error: DomainError): void => this.#fail(error);
      this.#body = new RequestBody(request.raw, { limit: bodyLimit, idleMs: timeouts.idleMs, fail });
    }
    reply.raw.once('close', () => this.#closed());
  }

  /** Sends the request. It answers by itself. */
  start(): void {
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
    if (status < 200 || this.#phase !== 'waiting') return;
    this.#phase = 'answering';
    this.#target?.breaker.succeeded();
    const headers = this.#ownHeaders();
    addUpstreamHeaders(controller.rawHeaders as Buffer[], headers);
    this.reply.hijack();
    const { raw } = this.reply;
    raw.writeHead(status, headers);
    // Should the body take its time, the headers do not wait for it.
    process.nextTick(flushHeaders, raw);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { raw } = this.reply;
    this.#context.bytes = (this.#context.bytes ?? 0) + chunk.length;
    if (raw.write(chunk)) return;
    controller.pause();
    const slow = setTimeout(() => this.#cut('client_too_slow'), this.upstream.options.timeouts.idleMs);
    raw.once('drain', () => {
      clearTimeout(slow);
      controller.resume();
    });
    raw.once('close', () => clearTimeout(slow));
  }

  onResponseEnd(): void {
    if (this.#phase !== 'answering') return;
    this.#end();
    this.reply.raw.end();
    this.#release(true);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#phase === 'over') return this.#release(false);
    const target = this.#target;
    this.#release(false);
    if (this.#phase === 'answering') return this.#cut('upstream_broke_off');
    target?.breaker.failed(this.#admission);
    if (this.#mayRetry()) return this.#send();
    this.#fail(problemOf(error));
  }

  #send(): void {
    const picked = this.upstream.pick();
    if ('waitMs' in picked) {
      const meta = { retry_after: Math.ceil(picked.waitMs / 1_000) };
      return this.#fail(new DomainError('upstream_unavailable', { meta }));
    }
    this.#target = picked.target;
    this.#admission = picked.admission;
    const waiting = this.tools.pool.acquire(picked.target, (connection) => this.#dispatch(connection));
    if (waiting === undefined) return;
    if (waiting === 'full') return this.#busy();
    const timer = setTimeout(() => this.#busy(), picked.target.connectMs);
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
      // undici would close the connection after each HEAD.
      reset: false,
    };
    try {
      connection.client.dispatch(options, this);
    } catch (error) {
      this.onResponseError(undefined, error as Error);
    }
  }

  #mayRetry(): boolean {
    if (this.#body?.begun || this.#retries <= 0) return false;
    this.#retries -= 1;
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
    this.#target?.breaker.abandoned(this.#admission);
    this.#fail(new DomainError('upstream_unavailable', { meta: { retry_after: 1 } }));
  }

  /** Answers with a problem, if nothing was answered yet. */
  #fail(error: DomainError): void {
    if (this.#phase === 'answering') return this.#cut(error.code);
    if (this.#phase === 'over') return;
    this.#end();
    this.#abort();
    this.tools.problems.answer(error, this.request, this.reply);
  }

  /** Half an answer is out: cutting the connection says that it is not whole. */
  #cut(reason: RequestContext['cut']): void {
    this.#context.cut = reason;
    this.#end();
    this.#abort();
    this.reply.raw.destroy();
  }

  #closed(): void {
    if (this.#phase === 'over') return;
    // The client has gone: what it asked for is not worth the upstream's time any more.
    this.#context.cut = 'client_gone';
    this.#end();
    this.#abort();
  }

  #end(): void {
    this.#phase = 'over';
    clearTimeout(this.#timer);
    this.#giveUpWaiting?.();
    this.#giveUpWaiting = undefined;
  }

  #abort(): void {
    this.#target?.breaker.abandoned(this.#admission);
    // While it connects there is nothing to abort but the connection.
    if (this.#controller) this.#controller.abort(new Error('nobody waits for it'));
    this.#release(false);
  }

  #release(reusable: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#controller = undefined;
    if (!connection) return;
    if (reusable) this.tools.pool.release(connection);
    else this.tools.pool.discard(connection);
  }
}

function flushHeaders(response: { flushHeaders(): void; readonly destroyed: boolean }): void {
  if (!response.destroyed) response.flushHeaders();
}
