import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyRequest } from 'fastify';
import { requestContextOf } from '../request/request-context';
import { fileTypeOf, TELLING_BYTES } from './file-type';
import { mediaTypeOf, parseJsonBody, unsupported } from './json-body';

/** The largest file, a photo of 5 MiB, takes 42 s at 1 Mbit/s. */
const MOST_FILE_MS = 60_000;

/** A file whose kind is known. */
export interface File {
  /** One of those that the route takes. */
  readonly type: string;
  /** Can be read once. What is not read flows by, so that the sender can read why. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** A file that is being sent: nothing of it is read before it is opened. */
export interface ComingFile {
  /**
   * Reads as much as tells what it is. Its bytes decide, whatever the request calls it (`image/jpg`, nothing, another
   * type). What begins like none that the route takes is passed on if it is called one: who reads the whole says what is
   * wrong with it.
   *
   * @throws DomainError `unsupported_media_type`; `bad_request` when the sender goes before
   */
  open(): Promise<File>;
}

/** The body of a request for Fastify: of a route that takes a file the stream itself, else JSON. */
export async function parseBody(request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  return requestContextOf(request).route?.file ? payload : parseJsonBody(request, payload);
}

/** The file that a route behind `@TakesFile()` is sent. */
export const SentFile = createParamDecorator((_: unknown, context: ExecutionContext): ComingFile => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const types = requestContextOf(request).route?.file?.types ?? [];
  if (request.body === undefined) {
    throw new DomainError('validation_failed', { errors: [{ field: '', code: 'required' }] });
  }
  const called = mediaTypeOf(request.headers['content-type'] ?? '');
  return { open: () => openFile(request.body as IncomingMessage, called, types) };
});

/** Of a payload that is called a type of content: {@link ComingFile.open}. */
export async function openFile(payload: IncomingMessage, called: string, types: readonly string[]): Promise<File> {
  const content = contentOf(payload);
  const read: Uint8Array[] = [];
  const beginning = (): Buffer => Buffer.concat(read);
  while (beginning().length < TELLING_BYTES) {
    const { done, value } = await content.next();
    if (done) break;
    read.push(value);
  }
  const type = fileTypeOf(beginning()) ?? called;
  if (types.includes(type)) return { type, content: joined(read, content) };
  await content.return(undefined);
  throw unsupported(types);
}

async function* joined(read: Iterable<Uint8Array>, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* read;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** @throws DomainError `bad_request` when the sender goes before the end, `request_timeout` */
async function* contentOf(payload: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks = payload.iterator({ destroyOnReturn: false });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DomainError('request_timeout')), MOST_FILE_MS);
  });
  late.catch(() => undefined);
  try {
    for (;;) {
      const { done, value } = await Promise.race([chunks.next(), late]);
      if (done) return;
      yield value as Uint8Array;
    }
  } catch (cause) {
    throw cause instanceof DomainError ? cause : new DomainError('bad_request', { cause });
  } finally {
    clearTimeout(timer);
    // As long as somebody reads it, it does not flow by.
    void chunks.return?.().then(() => payload.resume());
  }
}
