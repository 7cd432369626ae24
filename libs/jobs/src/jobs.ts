import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { type Actor, DomainError } from '@puerta/contracts/core';
import { afterCommit, Pruner } from '@puerta/database';
import type { Logger, Metrics } from '@puerta/observability';
import type { DataSource, EntityManager } from 'typeorm';
import type { AnyKind, Job, JobHandler, JobKind } from './job';
import { JobStore } from './job-store';
import { DEFAULT_TIMES, type JobTimes, JobWorker } from './job-worker';

/**
 * Long work, as rows: what asks for it answers at once, and any replica of the service does it, step by step. A replica
 * that dies leaves the job to another, which goes on where the last committed step ended.
 */
export class Jobs implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #store: JobStore;
  readonly #workers = new Map<string, JobWorker>();
  readonly #pruner: Pruner;
  readonly #count: (kind: string, outcome: string) => void;

  /** @param times shorter ones for tests */
  constructor(
    private readonly dataSource: DataSource,
    private readonly logger: Logger,
    metrics: Metrics,
    private readonly times: JobTimes = DEFAULT_TIMES,
  ) {
    this.#store = new JobStore(dataSource, times.leaseMs);
    this.#pruner = new Pruner('jobs', () => this.#store.prune());
    this.#count = measure(metrics, this.#store);
  }

  /** Says how jobs of a kind are done; before the application starts. */
  handle<Input extends object, Position extends object, Result extends object>(
    kind: JobKind<Input, Position, Result>,
    handler: JobHandler<Input, Position, Result>,
  ): void {
    if (this.#workers.has(kind.name)) throw new Error(`two handlers for jobs of kind ${kind.name}`);
    const worker = new JobWorker({
      kind: kind as AnyKind,
      // What is kept of a kind was written as that kind.
      handler: handler as unknown as JobHandler<object, object, object>,
      dataSource: this.dataSource,
      store: this.#store,
      times: this.times,
      logger: this.logger,
      onEnded: (how) => this.#count(kind.name, how),
    });
    this.#workers.set(kind.name, worker);
  }

  /**
   * Adds a job in the transaction of what causes it, so that it exists exactly when that has happened. This replica is
   * told once it is committed; the others look within some seconds.
   * @returns its id
   */
  async enqueue<Input extends object>(
    tx: EntityManager,
    kind: JobKind<Input, object, object>,
    input: Input,
    actor: Pick<Actor, 'user_id' | 'company_id'>,
  ): Promise<string> {
    const id = await this.#store.insert(tx, kind.name, input, actor);
    afterCommit(tx, () => this.#workers.get(kind.name)?.poke());
    return id;
  }

  /** @throws DomainError `job_not_found`, also for a job of another company or another kind */
  async get<Input extends object, Position extends object, Result extends object>(
    kind: JobKind<Input, Position, Result>,
    id: string,
    companyId: string | null,
  ): Promise<Job<Input, Position, Result>> {
    const job = await this.#store.find(kind.name, id, companyId);
    if (!job) throw new DomainError('job_not_found');
    return job as Job<Input, Position, Result>;
  }

  /**
   * Ends a job where it stands: what its steps have done stays done. One that has ended before is left as it is.
   * @returns the job as it is then
   * @throws DomainError `job_not_found`
   */
  async cancel<Input extends object, Position extends object, Result extends object>(
    kind: JobKind<Input, Position, Result>,
    id: string,
    companyId: string | null,
  ): Promise<Job<Input, Position, Result>> {
    await this.get(kind, id, companyId);
    if (await this.#store.cancel(id)) this.#count(kind.name, 'cancelled');
    return this.get(kind, id, companyId);
  }

  onApplicationBootstrap(): void {
    for (const worker of this.#workers.values()) worker.start();
    this.#pruner.onApplicationBootstrap();
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.#pruner.onModuleDestroy(), ...[...this.#workers.values()].map((worker) => worker.stop())]);
  }
}

/** @returns counts how runs end */
function measure(metrics: Metrics, store: JobStore): (kind: string, outcome: string) => void {
  metrics.gauges('puerta_jobs', 'Jobs that wait or run, over all replicas', ['kind', 'state'], async () =>
    (await store.backlog()).flatMap(({ kind, queued, running }) => [
      [{ kind, state: 'queued' }, queued],
      [{ kind, state: 'running' }, running],
    ]),
  );
  metrics.gauges(
    'puerta_jobs_oldest_seconds',
    'How long the job that waits longest could have run',
    ['kind'],
    async () => (await store.backlog()).map(({ kind, oldestSeconds }) => [{ kind }, oldestSeconds]),
  );
  const ended = metrics.counter('puerta_jobs_ended_total', 'Runs of jobs that ended here', ['kind', 'outcome']);
  return (kind, outcome) => ended.inc({ kind, outcome });
}
