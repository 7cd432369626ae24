import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

/** A file of ours in memory. There are few, each is served at one address, and no request names a path on disk. */
export class StaticFile {
  readonly #content: Buffer | string;
  readonly #type: string;
  readonly #etag: string;

  private constructor(content: Buffer | string, type: string) {
    this.#content = content;
    this.#type = type;
    this.#etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  }

  static read(path: string): StaticFile {
    return new StaticFile(readFileSync(path), TYPES[extname(path)] ?? 'application/octet-stream');
  }

  static of(content: string, extension: keyof typeof TYPES & string): StaticFile {
    return new StaticFile(content, TYPES[extension] ?? 'application/octet-stream');
  }

  /** Sets the headers. @returns the body; nothing when the browser has it already. */
  serve({ headers }: FastifyRequest, reply: FastifyReply): Buffer | string | undefined {
    // Asked for each time, and mostly answered by 304: a new release shows at once.
    reply.headers({ 'cache-control': 'no-cache', etag: this.#etag, 'content-type': this.#type });
    if (headers['if-none-match'] !== this.#etag) return this.#content;
    reply.code(304);
    return undefined;
  }
}
