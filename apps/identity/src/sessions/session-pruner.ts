import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Logger } from '@puerta/observability';
import { InjectLogger } from '@puerta/service';
import { DataSource } from 'typeorm';
import { rowsOf } from '../sql';

const HOUR_MS = 3_600_000;
const BATCH = 1_000;

/**
 * Forgets sessions a day after they ended, with all their spent refresh tokens, about once an hour. Nobody misses them:
 * a session that is not there has ended too.
 */
@Injectable()
export class SessionPruner implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    @InjectLogger() private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    // Replicas that were started together do not prune together.
    const period = HOUR_MS * (0.75 + Math.random() / 2);
    this.timer = setInterval(() => void (this.running = this.pruneAll()), period).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /**
   * Forgets a batch.
   * @returns how many there were
   */
  async prune(): Promise<number> {
    const pruned = await rowsOf(
      this.dataSource.manager,
      `DELETE FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE least(expires_at, revoked_at) < now() - interval '1 day'
          LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [BATCH],
    );
    return pruned.length;
  }

  private async pruneAll(): Promise<void> {
    try {
      while ((await this.prune()) === BATCH);
    } catch (error) {
      this.logger.warn('ended sessions could not be pruned', { error });
    }
  }
}
