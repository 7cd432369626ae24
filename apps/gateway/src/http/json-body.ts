import type { IncomingMessage } from 'node:http';
import { DomainError } from '@puerta/contracts/core';
import type { FastifyRequest } from 'fastify';
import { checkLength, hasBody, tooLarge } from '../request/body-length';
import type { FileBody } from '../routes/route-options';
import { refuseLosses } from './json-losses';

/** JSON of people and programs: a card is under 1 KiB, the largest form we have under 4. */
export const MAX_JSON_BYTES = 65_536;

/** RFC 8259 8.1 knows UTF-8 alone; a charset may be named nevertheless. */
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i;

/** RFC 9110 8.3.1, the parameters left aside. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;.*)?$/;

/** On the slowest phone network a form takes a second or two. */
const MOST_JSON_MS = 20_000;

/**
 * What the headers say of a body, before any of it is read.
 *
 * @param file what file the route takes instead of JSON
 * @throws DomainError `unsupported_media_type`, `payload_too_large` or `bad_request`.
 */
export function checkBodyHeaders(request: FastifyRequest, file: FileBody | undefined): void {
  const { headers } = request;
  checkLength(headers, file?.limit ?? MAX_JSON_BYTES);
  if (!hasBody(headers)) return;
  const encoding = headers['content-encoding'];
  const plain = encoding === undefined || encoding.toLowerCase() === 'identity';
  const type = headers['content-type'] ?? '';
  if (plain && file) {
    // Of a file its bytes decide. Fastify would refuse what is no type at all, and read on where there is none.
    if (!MEDIA_TYPE.test(type)) delete headers['content-type'];
    return;
  }
  if (!plain || !JSON_TYPE.test(type)) throw unsupported(file?.types ?? ['application/json in UTF-8']);
}

/** @param types what is accepted */
export function unsupported(types: readonly string[]): DomainError {
  return new DomainError('unsupported_media_type', { meta: { types: types.join(', ') } });
}

/** A content type without its parameters. */
export function mediaTypeOf(header: string): string {
  return (header.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/**
 * Reads a body as strict JSON, all of it: what `JSON.parse` would drop is refused. A byte order mark is skipped (RFC 8259
 * 8.1 allows that); names such as `__proto__` are refused with all other unknown fields.
 *
 * It is a promise on purpose: events of a stream do not carry the asynchronous context they were listened for in, the
 * continuation of a promise does.
 *
 * @returns undefined when there is no body.
 * @throws DomainError `malformed_json`, `payload_too_large`, or `validation_failed` for what would be lost.
 */
export async function parseJsonBody(_request: FastifyRequest, payload: IncomingMessage): Promise<unknown> {
  const bytes = await readAll(payload);
  if (bytes.length === 0) return undefined;
  const { text, value } = parse(bytes);
  refuseLosses(text);
  return value;
}

function parse(bytes: Buffer): { text: string; value: unknown } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch {
    // Neither the text nor the parser's message, which quotes it, goes any further.
    throw new DomainError('malformed_json');
  }
}

function readAll(payload: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DomainError('request_timeout')), MOST_JSON_MS);
    payload.once('close', () => clearTimeout(timer));
    const chunks: Buffer[] = [];
    let length = 0;
    payload.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_JSON_BYTES) chunks.push(chunk);
      // The rest flows by unread, so that the answer can be read by who is still sending.
      else reject(tooLarge(MAX_JSON_BYTES));
    });
    payload.once('end', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    payload.once('error', () => reject(new DomainError('bad_request')));
    payload.once('close', () => reject(new DomainError('bad_request')));
  });
}
