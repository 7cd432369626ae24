import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';
import { mediaTypeOf, parseJsonBody } from './json-body';

/** A file that is being sent. */
export interface File {
  /** One of those that the route takes: others are refused before. */
  readonly type: string;
  /** Can be read once. What is not read flows by, so that the sender can read why. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The body of a request for Fastify: of a route that takes a file the stream itself, else JSON. */
export async function parseBody(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  return requestContextOf(request).route?.file ? contentOf(payload) : parseJsonBody(request, payload);
}

/** The file that a route behind `@TakesFile()` is sent. */
export const SentFile = createParamDecorator((_: unknown, context: ExecutionContext): File => {
  const { headers, body } = context.switchToHttp().getRequest<FastifyRequest>();
  if (body === undefined) {
    throw new DomainError('validation_failed', { errors: [{ field: '', code: 'required' }] });
  }
  return { type: mediaTypeOf(headers['content-type'] ?? ''), content: body as AsyncIterable<Uint8Array> };
});

/** @throws DomainError `bad_request` when the sender goes before the end */
async function* contentOf(payload: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of payload.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (cause) {
    throw new DomainError('bad_request', { cause });
  } finally {
    payload.resume();
  }
}
