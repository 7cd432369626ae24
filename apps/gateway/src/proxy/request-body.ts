import type { IncomingMessage } from 'node:http';
import { DomainError } from '@puerta/contracts/core';
import { tooLarge } from '../request/body-length';

export interface RequestBodyOptions {
  /** Most bytes. */
  readonly limit: number;
  /** For how long the client may send nothing while it is waited for. */
  readonly idleMs: number;
  /** Told when it is asked for. */
  readonly begin: () => void;
  /** Told why the rest of the body is not wanted any more; what is left flows by unread. */
  readonly fail: (error: DomainError) => void;
}

/**
 * The body of a request as it comes, no faster than it is taken. It is never destroyed by who takes it, since that would
 * close the client's connection before an answer.
 */
export class RequestBody {
  /** Whether any of it may have been sent on. */
  begun = false;

  constructor(
    private readonly raw: IncomingMessage,
    private readonly options: RequestBodyOptions,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.begun = true;
    const { raw } = this;
    const { limit, idleMs, begin, fail } = this.options;
    begin();
    const chunks = raw.iterator({ destroyOnReturn: false });
    let length = 0;
    try {
      for (;;) {
        const timer = setTimeout(() => fail(new DomainError('request_timeout')), idleMs);
        const { done, value } = await chunks.next().finally(() => clearTimeout(timer));
        if (done) return;
        const chunk = value as Uint8Array;
        length += chunk.length;
        if (length > limit) return fail(tooLarge(limit));
        yield chunk;
      }
    } finally {
      // While somebody reads it would not flow by.
      await chunks.return?.();
      raw.resume();
    }
  }
}
