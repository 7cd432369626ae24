import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemWriter } from './problem-writer';

/** Nest brings everything here that is thrown after Fastify has a request: by hooks, parsers, guards and handlers. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly problems: ProblemWriter) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.problems.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}
