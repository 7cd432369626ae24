import { Injectable } from '@nestjs/common';
import { KEYS_MAX_AGE_SECONDS, type KeySet, type KeyUse, tokenServiceContract } from '@puerta/contracts';
import { InjectService, ServiceClient } from '@puerta/messaging';

/** How long a key that was withdrawn is still shown; and how often, at most, what anybody may ask is asked further. */
const FRESH_MS = 5_000;

/** While the token service cannot be asked: no longer than others may keep a set. */
const STALE_MS = KEYS_MAX_AGE_SECONDS * 1_000;

/** The public keys of the token service, for our own guards and for whoever verifies our tokens. */
@Injectable()
export class PublicKeys {
  readonly #last = new Map<KeyUse, { readonly keys: KeySet; readonly at: number }>();
  readonly #reading = new Map<KeyUse, Promise<KeySet>>();

  constructor(
    @InjectService(tokenServiceContract) private readonly tokens: ServiceClient<typeof tokenServiceContract>,
  ) {}

  /** Asks the token service. Rejects when it does not answer within a second. */
  async read(use: KeyUse): Promise<KeySet> {
    const keys = await this.tokens.request('keys.public', { use }, { ttlMs: 1_000 });
    this.#last.set(use, { keys, at: performance.now() });
    return keys;
  }

  /** The keys as they were read last, or now if that was a while ago; old ones for a while, if new ones cannot be had. */
  async current(use: KeyUse): Promise<KeySet> {
    const last = this.#last.get(use);
    if (last && performance.now() - last.at < FRESH_MS) return last.keys;
    try {
      return await this.#shared(use);
    } catch (error) {
      if (last && performance.now() - last.at < STALE_MS) return last.keys;
      throw error;
    }
  }

  #shared(use: KeyUse): Promise<KeySet> {
    const reading = this.#reading.get(use) ?? this.read(use).finally(() => this.#reading.delete(use));
    this.#reading.set(use, reading);
    return reading;
  }
}
