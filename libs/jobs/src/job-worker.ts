import { randomUUID } from 'node:crypto';
import { DomainError, type ErrorCode, kindOf } from '@puerta/contracts/core';
import type { LogFields, Logger } from '@puerta/observability';
import type { DataSource } from 'typeorm';
import type { AnyKind, JobHandler } from './job';
import { JobRun } from './job-run';
import type { Claimed, JobStore } from './job-store';

export interface JobTimes {
  /** After this long without a word of its owner a job is another's. */
  readonly leaseMs: number;
  /** How often it is looked whether there is work that nobody told of; a tenth as often while there is none of the kind. */
  readonly pollMs: number;
  /** The first pause after a failure; each further one is twice as long. */
  readonly retryMs: number;
}

export const DEFAULT_TIMES: JobTimes = { leaseMs: 10_000, pollMs: 1_000, retryMs: 1_000 };

/** A job that was taken so often without getting on has failed, or kills whoever takes it. */
const MOST_ATTEMPTS = 8;
const LONGEST_PAUSE_MS = 60_000;
/** How much less often it is looked while no job of the kind waits or runs anywhere. */
const IDLE_FACTOR = 10;
/** How long runs may take to notice that they are to end: a step or two. */
const GRACE_MS = 4_000;

export type Ended = 'done' | 'failed' | 'retried' | 'interrupted';

export interface WorkerOptions {
  readonly kind: AnyKind;
  readonly handler: JobHandler<object, object, object>;
  readonly dataSource: DataSource;
  readonly store: JobStore;
  readonly times: JobTimes;
  readonly logger: Logger;
  readonly onEnded: (how: Ended) => void;
}

/** Runs jobs of one kind on this replica, so many at once. */
export class JobWorker {
  readonly #options: WorkerOptions;
  readonly #running = new Map<JobRun, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #filling: Promise<void> | undefined;
  #again = false;
  #state: 'new' | 'working' | 'stopped' = 'new';
  #reachable = true;
  #idle = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#state = 'working';
    this.poke();
  }

  /** Looks for work now. */
  poke(): void {
    if (this.#state !== 'working') return;
    this.#idle = false;
    this.#again = true;
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
      this.#schedule();
    });
  }

  /** Takes no more and hands back what runs, for others to go on with at once. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    await this.#filling;
    for (const run of this.#running.keys()) run.interrupt('this replica shuts down');
    const ended = Promise.all(this.#running.values());
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, GRACE_MS)))]);
    clearTimeout(timer);
  }

  /** Jittered, so that replicas that were started together do not look together. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#state !== 'working') return;
    const pause = this.#options.times.pollMs * (this.#idle ? IDLE_FACTOR : 1);
    this.#timer = setTimeout(() => void this.#look(), pause * (0.5 + Math.random())).unref();
  }

  /** While nothing of the kind is there, a plain look is all: taking a job writes. */
  async #look(): Promise<void> {
    const { kind, store } = this.#options;
    this.#idle = this.#running.size === 0 && !(await store.isOpen(kind.name).catch(() => true));
    if (this.#idle) this.#schedule();
    else this.poke();
  }

  async #fill(): Promise<void> {
    const { kind, store, logger } = this.#options;
    while (this.#again) {
      this.#again = false;
      try {
        while (this.#state === 'working' && this.#running.size < kind.concurrency) {
          const claimed = await store.claim(kind.name, randomUUID());
          if (claimed === undefined) break;
          this.#run(claimed);
        }
        this.#reachable = true;
      } catch (error) {
        if (this.#reachable) logger.warn('no jobs can be taken now', { job_kind: kind.name, error });
        this.#reachable = false;
      }
    }
  }

  #run(claimed: Claimed): void {
    const { dataSource, store, times } = this.#options;
    const run = new JobRun(dataSource, store, claimed, times.leaseMs);
    const ended = this.#work(run).finally(() => {
      run.close();
      this.#running.delete(run);
      this.poke();
    });
    this.#running.set(run, ended);
  }

  /** Never rejects: how a job ends is kept in its row, or found out by whoever takes it next. */
  async #work(run: JobRun): Promise<void> {
    const { kind, handler, store, logger, onEnded } = this.#options;
    const fields = { job_id: run.id, job_kind: kind.name, attempt: run.attempts };
    try {
      if (run.attempts > MOST_ATTEMPTS) throw new DomainError('internal');
      const result = await handler(run);
      onEnded((await store.finish(run.held, result)) ? 'done' : 'interrupted');
    } catch (error) {
      try {
        onEnded(await this.#settle(run, error, fields));
      } catch (fault) {
        logger.warn('how a job ended could not be kept; it will be taken again', { ...fields, error: fault });
        onEnded('interrupted');
      }
    }
  }

  async #settle(run: JobRun, error: unknown, fields: LogFields): Promise<Ended> {
    const { store, times, logger } = this.#options;
    if (run.lost) {
      logger.info('a job was cancelled or taken over', fields);
      return 'interrupted';
    }
    if (run.signal.aborted) {
      await store.handBack(run.held);
      return 'interrupted';
    }
    const refusal = error instanceof DomainError ? error.code : undefined;
    const passing = refusal === undefined || ['unavailable', 'failed'].includes(kindOf(refusal));
    if (passing && run.attempts < MOST_ATTEMPTS) {
      const pause = Math.min(times.retryMs * 2 ** Math.max(run.attempts - 1, 0), LONGEST_PAUSE_MS);
      logger.warn('a job failed and will be tried again', { ...fields, delay_ms: Math.round(pause), error });
      return (await store.retry(run.held, pause * (0.5 + Math.random()))) ? 'retried' : 'interrupted';
    }
    const code: ErrorCode = refusal ?? 'internal';
    if (passing) logger.error('a job failed for good', { ...fields, code, error });
    else logger.info('a job was refused', { ...fields, code });
    return (await store.fail(run.held, code)) ? 'failed' : 'interrupted';
  }
}
