import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

const MINUTE_MS = 60_000;

/** Prunes a table about every ten minutes while the service runs; a full batch is followed by the next soon. */
export class Pruner implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #what: string;
  readonly #prune: () => Promise<boolean>;
  readonly #logger = new Logger('Pruner');
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  /** @param prune deletes a batch; resolves to whether there may be more */
  constructor(what: string, prune: () => Promise<boolean>) {
    this.#what = what;
    this.#prune = prune;
  }

  onApplicationBootstrap(): void {
    this.#schedule(10 * MINUTE_MS);
  }

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** Jittered, so that replicas that were started together do not prune together. */
  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void (this.#running = this.#run()), ms * (0.5 + Math.random()));
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    let more = false;
    try {
      more = await this.#prune();
    } catch (error) {
      this.#logger.warn(`${this.#what} could not be pruned`, error);
    }
    if (this.#timer !== undefined) this.#schedule(more ? 1_000 : 10 * MINUTE_MS);
  }
}
