import { DomainError, type KeySet } from '@puerta/contracts';
import type { InvalidationSource } from '../invalidations/invalidation-source';
import { readKeySet, type VerificationKey } from './verification-key';

/** How often the keys are read again. They are published for longer than this before they sign. */
const REFRESH_MS = 60_000;

/** How soon after a failure. */
const RETRY_MS = 1_000;

/** The least time between two look-ups that an unknown kid may cause. */
const COOL_DOWN_MS = 5_000;

/** How often the keys are read while nobody would tell that they have changed. */
const UNTOLD_MS = 200;

/**
 * The public keys by kid: read at the start, then by a timer, when they are told to have changed, and when a kid is not
 * known. Anybody can invent kids, so they cause one look-up per cool-down at most, and all who wait share it.
 */
export class KeyStore {
  private keys: ReadonlyMap<string, VerificationKey> = new Map();
  /** Why the last reading failed; undefined when it did not. */
  private failure: unknown = new Error('the public keys were not read yet');
  private reading?: Promise<void>;
  private timer?: NodeJS.Timeout;
  private untold?: NodeJS.Timeout;
  private generation = 0;
  private running = false;
  private lookUpAfter = -Infinity;

  /** @param source gives all public keys, or rejects; it must settle by itself */
  constructor(private readonly source: () => Promise<KeySet>) {}

  /** Reads the keys now and keeps them fresh until `stop`. Resolves after the first attempt, whether it succeeded or not. */
  async start(): Promise<void> {
    this.running = true;
    await this.refresh();
    if (!this.running) return;
    this.timer = setTimeout(() => void this.start(), this.failure ? RETRY_MS : REFRESH_MS).unref();
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
    clearInterval(this.untold);
  }

  /**
   * Hears when the keys change. From then on the old ones are good for nothing: who asks for a key waits for the new
   * ones. While the stream is silent the keys are read again and again, and the old ones stay when that fails.
   */
  follow(invalidations: InvalidationSource): void {
    invalidations.listen({ event: () => this.withdraw(), lost: () => void this.refresh() });
    this.untold = setInterval(() => void (invalidations.fresh || this.refresh()), UNTOLD_MS).unref();
  }

  /** Another number whenever a key has come or gone, or may have. */
  get version(): number {
    return this.generation;
  }

  /**
   * @returns the key, or undefined when there is none of that kid
   * @throws DomainError `auth_unavailable` when the kid is unknown and the keys cannot be read: it may well exist
   */
  async find(kid: string): Promise<VerificationKey | undefined> {
    const known = this.keys.get(kid);
    if (known) return known;
    await this.lookUp();
    const key = this.keys.get(kid);
    if (!key && this.failure) throw new DomainError('auth_unavailable', { cause: this.failure });
    return key;
  }

  private async lookUp(): Promise<void> {
    if (this.reading) return this.reading;
    const now = performance.now();
    if (now < this.lookUpAfter) return;
    // Without any key nobody can be let in: then the wait is shorter.
    this.lookUpAfter = now + (this.keys.size > 0 ? COOL_DOWN_MS : RETRY_MS);
    await this.refresh();
  }

  private refresh(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private withdraw(): void {
    this.keys = new Map();
    this.generation += 1;
    this.failure = new Error('the public keys have changed and were not read yet');
    this.lookUpAfter = -Infinity;
    void this.refresh();
  }

  /** Never rejects. Keys that are not in the set any more are gone: they were withdrawn. */
  private async read(): Promise<void> {
    const { generation } = this;
    try {
      const keys = readKeySet(await this.source());
      if (keys.size === 0) throw new Error('the token service has published no key');
      // Told while it was read that they change: these may be the old ones.
      if (generation !== this.generation) return await this.read();
      if (!isSame(keys, this.keys)) this.generation += 1;
      this.keys = keys;
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
    }
  }
}

function isSame(some: ReadonlyMap<string, VerificationKey>, others: ReadonlyMap<string, VerificationKey>): boolean {
  return some.size === others.size && [...some].every(([kid, { key }]) => others.get(kid)?.key.equals(key));
}
