import type { ErrorCode } from '@puerta/contracts/core';
import type { EntityManager } from 'typeorm';

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/**
 * A kind of long work: its name, and the types of what it is given, where it stands and what comes of it. All three are
 * kept as JSON: ids and keys of the storage, never a secret or a file.
 */
export interface JobKind<Input extends object, Position extends object, Result extends object> {
  readonly name: string;
  /** How many of this kind one replica runs at once. */
  readonly concurrency: number;
  /** Carries the types; never set. */
  readonly types?: { readonly input: Input; readonly position: Position; readonly result: Result };
}

/** Declares a kind: `jobKind<Input, Position, Result>('cards.bulk', 2)`. The name is kept in rows: it does not change. */
export function jobKind<Input extends object, Position extends object, Result extends object>(
  name: string,
  concurrency: number,
): JobKind<Input, Position, Result> {
  return { name, concurrency };
}

/** A job as it is now. */
export interface Job<Input extends object, Position extends object, Result extends object> {
  readonly id: string;
  readonly state: JobState;
  readonly input: Input;
  /** Where the last step left it; null before the first. */
  readonly position: Position | null;
  readonly done: number;
  /** Null as long as nobody knows. */
  readonly total: number | null;
  /** Null unless it is done. */
  readonly result: Result | null;
  /** Why it failed; null unless it has. */
  readonly errorCode: ErrorCode | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface Progress<Position extends object> {
  readonly done: number;
  readonly total: number | null;
  readonly position: Position;
}

/** What a handler gets. */
export interface JobTask<Input extends object, Position extends object> {
  readonly id: string;
  readonly companyId: string | null;
  /** On whose behalf. */
  readonly userId: string;
  readonly input: Input;
  /** Where the last committed step left off, on whichever replica; null at the beginning. */
  readonly position: Position | null;
  /** Aborted when the job is not to go on here: it was cancelled, another replica has it, or this one shuts down. */
  readonly signal: AbortSignal;
  /**
   * Runs one part of the work in a transaction, together with the progress it makes: both are committed, or neither.
   * Nothing is committed for a job that is not this run's any more. Steps come one after the other; after one that
   * failed there is no other in this run.
   * @returns what `work` gave
   * @throws what `work` throws; `JobInterrupted`, to be let through, when the job is not to go on here
   */
  step(work: (tx: EntityManager) => Promise<Progress<Position>>): Promise<Progress<Position>>;
}

/**
 * Does a job, from `position` on, and gives its result. It may be called many times for one job, each time after
 * another run has ended somewhere: whatever it changes outside of steps may happen twice.
 */
export type JobHandler<Input extends object, Position extends object, Result extends object> = (
  task: JobTask<Input, Position>,
) => Promise<Result>;

/** For where a job is only run or counted, whatever its kind. */
export type AnyKind = JobKind<object, object, object>;
