import { DomainError } from '@puerta/contracts/core';
import type { Content } from './storage';

/** Content that is counted while it flows, and cut off when it is too much. */
export class Limited {
  /** Bytes so far. */
  size = 0;
  /** Why it did not come to its end; whoever reads may hide that behind an error of their own. */
  failure: unknown;

  constructor(
    private readonly content: Content,
    private readonly limit: number,
  ) {}

  /** @throws DomainError `payload_too_large`; what the content throws */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const chunks = this.content instanceof Uint8Array ? [this.content] : this.content;
    try {
      for await (const chunk of chunks) {
        this.size += chunk.byteLength;
        if (this.size > this.limit) throw new DomainError('payload_too_large', { meta: { limit: this.limit } });
        yield chunk;
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
