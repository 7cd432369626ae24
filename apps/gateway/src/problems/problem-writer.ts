import { STATUS_CODES } from 'node:http';
import { DomainError, type ErrorCode, type ErrorMeta } from '@puerta/contracts/core';
import type { Logger } from '@puerta/observability';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';
import { shownPath } from '../request/paths';
import type { Surface } from '../routes/route-options';
import { vary } from '../request/vary';
import { asDomainError } from './as-domain-error';
import { describeErrorPage, prefersPage } from './error-page';
import { preferredLanguage } from './language';
import { describeProblem, type ProblemAnswer } from './problem';

export interface ProblemWriterOptions {
  readonly publicUrl: string;
  readonly securityHeaders: Readonly<Record<Surface, Readonly<Record<string, string>>>>;
  readonly logger: Logger;
}

/** The one way in which errors leave the gateway, wherever they arose. */
export class ProblemWriter {
  constructor(private readonly options: ProblemWriterOptions) {}

  /** Answers a request with what was thrown while it was served. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = asDomainError(thrown);
    const context = requestContextOf(request);
    context.code = error.code;
    if (error.code === 'internal') this.options.logger.error('a request failed', { error: error.cause });
    if (reply.sent || reply.raw.headersSent) {
      // Half an answer is out: cutting the connection says that it is not whole.
      reply.raw.destroy();
      return;
    }
    // Who opens an address where there is nothing may be a person.
    if (!context.route) context.surface = prefersPage(request.headers.accept) ? 'page' : context.surface;
    const { status, headers, body } = this.#describe(error, request, reply);
    void reply
      .code(status)
      .headers({ ...this.options.securityHeaders[context.surface], 'x-request-id': context.id, ...headers })
      .send(body);
  }

  /** The bytes that answer what is not even a request. */
  raw(code: ErrorCode, requestId: string, meta?: ErrorMeta): string {
    const error = new DomainError(code, meta ? { meta } : {});
    const occurrence = { requestId, instance: '', language: 'en' } as const;
    const { status, headers, body } = describeProblem(error, occurrence, this.options.publicUrl);
    const all: Record<string, string> = {
      ...this.options.securityHeaders.api,
      ...headers,
      'x-request-id': requestId,
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
  }

  #describe(error: DomainError, request: FastifyRequest, reply: FastifyReply): ProblemAnswer {
    const { id, surface, route } = requestContextOf(request);
    const occurrence = {
      requestId: id,
      instance: shownPath(request.raw.url ?? ''),
      language: preferredLanguage(request.headers['accept-language']),
    };
    vary(reply, 'Accept-Language');
    if (surface !== 'page' && route) return describeProblem(error, occurrence, this.options.publicUrl);
    vary(reply, 'Accept');
    const describe = prefersPage(request.headers.accept) ? describeErrorPage : describeProblem;
    return describe(error, occurrence, this.options.publicUrl);
  }
}
