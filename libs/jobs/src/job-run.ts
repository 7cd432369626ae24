import { transaction } from '@puerta/database';
import type { DataSource, EntityManager } from 'typeorm';
import type { JobTask, Progress } from './job';
import type { Claimed, JobStore } from './job-store';

/** Why a run ended that neither finished nor failed: the job is another's, is cancelled, or is handed back. */
export class JobInterrupted extends Error {
  override readonly name = 'JobInterrupted';
}

/** One replica's turn at a job: keeps the lease, and commits steps for as long as the job is its own. */
export class JobRun implements JobTask<object, object> {
  readonly id: string;
  readonly companyId: string | null;
  readonly userId: string;
  readonly input: object;
  position: object | null;
  /** Since the job last got on. */
  attempts: number;
  /** The job is not ours any more: there is nothing to put right. */
  lost = false;
  readonly #abort = new AbortController();
  readonly #renewing: NodeJS.Timeout;
  #step: 'none' | 'running' | 'failed' = 'none';

  constructor(
    private readonly dataSource: DataSource,
    private readonly store: JobStore,
    readonly held: Claimed,
    leaseMs: number,
  ) {
    ({
      id: this.id,
      companyId: this.companyId,
      userId: this.userId,
      input: this.input,
      position: this.position,
      attempts: this.attempts,
    } = held);
    this.#renewing = setInterval(() => void this.#renew(), leaseMs / 3).unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  async step<P extends object>(work: (tx: EntityManager) => Promise<Progress<P>>): Promise<Progress<P>> {
    this.signal.throwIfAborted();
    // Nobody knows what of a step that failed was committed; the next run reads it.
    if (this.#step !== 'none')
      throw new Error(`a step cannot begin: one ${this.#step === 'failed' ? 'has' : 'is'} ${this.#step}`);
    this.#step = 'running';
    try {
      const progress = await transaction(this.dataSource, (tx) => this.#commit(tx, work));
      if (JSON.stringify(progress.position) !== JSON.stringify(this.position)) this.attempts = 0;
      this.position = progress.position;
      this.#step = 'none';
      return progress;
    } catch (error) {
      this.#step = 'failed';
      throw error;
    }
  }

  /** Lets the handler know that it is to end here. */
  interrupt(reason: string): void {
    this.#abort.abort(new JobInterrupted(reason));
  }

  close(): void {
    clearInterval(this.#renewing);
  }

  async #commit<P extends object>(
    tx: EntityManager,
    work: (tx: EntityManager) => Promise<Progress<P>>,
  ): Promise<Progress<P>> {
    const progress = await work(tx);
    if (await this.store.advance(tx, this.held, progress)) return progress;
    this.#lose();
    throw this.signal.reason;
  }

  /**
   * While PostgreSQL is away the lease may run out; then it is decided there, once it is back, who goes on. Whoever goes
   * on without the right to it commits nothing.
   */
  async #renew(): Promise<void> {
    const renewed = await this.store.renew(this.held).catch(() => true);
    if (!renewed) this.#lose();
  }

  #lose(): void {
    this.lost = true;
    this.interrupt('the job is not ours any more');
  }
}
