import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { StrayFiles } from './stray-files';

const MINUTE_MS = 60_000;

/** Sweeps stray files about every ten minutes while the service runs; a full batch is followed by the next soon. */
@Injectable()
export class StrayFilesSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('StrayFilesSweeper');
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly strays: StrayFiles) {}

  onApplicationBootstrap(): void {
    this.#schedule(10 * MINUTE_MS);
  }

  async onModuleDestroy(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** Jittered, so that replicas that were started together do not sweep together. */
  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void (this.#running = this.#sweep()), ms * (0.5 + Math.random()));
    this.#timer.unref();
  }

  async #sweep(): Promise<void> {
    let more = false;
    try {
      more = await this.strays.sweep();
    } catch (error) {
      this.#logger.warn('stray files could not be swept', error);
    }
    if (this.#timer !== undefined) this.#schedule(more ? 1_000 : 10 * MINUTE_MS);
  }
}
