import { Injectable } from '@nestjs/common';
import { type KeySet, tokenServiceContract } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';

/** Keys are published long before they sign, so an answer this old is as good as a new one. */
const FRESH_MS = 60_000;

/** The public keys of the token service, for our own guards and for whoever verifies our tokens. */
@Injectable()
export class PublicKeys {
  #last: { readonly keys: KeySet; readonly at: number } | undefined;

  constructor(
    @InjectService(tokenServiceContract) private readonly tokens: ServiceClient<typeof tokenServiceContract>,
  ) {}

  /** Asks the token service. Rejects when it does not answer within a second. */
  async read(): Promise<KeySet> {
    const keys = await this.tokens.request('keys.public', {}, { ttlMs: 1_000 });
    this.#last = { keys, at: performance.now() };
    return keys;
  }

  /** The keys as they were read last, or now if that was a while ago; old ones only while new ones cannot be had. */
  async current(): Promise<KeySet> {
    const last = this.#last;
    if (last && performance.now() - last.at < FRESH_MS) return last.keys;
    try {
      return await this.read();
    } catch (error) {
      if (last) return last.keys;
      throw error;
    }
  }
}
