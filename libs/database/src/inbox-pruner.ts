import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Inbox } from './inbox';

const MINUTE_MS = 60_000;

/** Prunes the inbox about every ten minutes while the service runs; a full batch is followed by the next soon. */
@Injectable()
export class InboxPruner implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #inbox: Inbox;
  readonly #logger = new Logger('InboxPruner');
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
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
    this.#timer = setTimeout(() => void (this.#running = this.#prune()), ms * (0.5 + Math.random()));
    this.#timer.unref();
  }

  async #prune(): Promise<void> {
    let more = false;
    try {
      more = await this.#inbox.prune();
    } catch (error) {
      this.#logger.warn('the inbox could not be pruned', error);
    }
    if (this.#timer !== undefined) this.#schedule(more ? 1_000 : 10 * MINUTE_MS);
  }
}
