import type { Actor, ErrorCode } from '@puerta/contracts/core';
import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Job, Progress } from './job';

type Plain = object;

/** The right to go on with a job. `owner` is new with each claim: who has lost a job and got it back is another one. */
export interface Held {
  readonly id: string;
  readonly owner: string;
}

/** A job that was just taken. */
export interface Claimed extends Held {
  readonly companyId: string | null;
  readonly userId: string;
  readonly input: Plain;
  readonly position: Plain | null;
  /** How often it was taken since it last got on, this time included. */
  readonly attempts: number;
}

/** How much there is of a kind. */
export interface Backlog {
  readonly kind: string;
  readonly queued: number;
  readonly running: number;
  /** Since when the one that has waited longest could have run. */
  readonly oldestSeconds: number;
}

const RETENTION = '30 days';
const PRUNE_BATCH = 1_000;

const COLUMNS = `id, state, input, position, done, total, result, error_code AS "errorCode",
  created_at AS "createdAt", started_at AS "startedAt", finished_at AS "finishedAt"`;

const FREED = 'owner = NULL, lease_until = NULL';
const ENDED = `finished_at = now(), ${FREED}`;

/**
 * What happens to a row of `jobs`. Each change is one statement that names the state it starts from and, once the job
 * was taken, its owner; it is judged by its row count. Time is PostgreSQL's alone.
 */
export class JobStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly leaseMs: number,
  ) {}

  async insert(
    tx: EntityManager,
    kind: string,
    input: Plain,
    actor: Pick<Actor, 'user_id' | 'company_id'>,
  ): Promise<string> {
    const id = uuidv7();
    const values = [id, kind, actor.company_id, actor.user_id, JSON.stringify(input)];
    await tx.query('INSERT INTO jobs (id, kind, company_id, actor_user_id, input) VALUES ($1, $2, $3, $4, $5)', values);
    return id;
  }

  /**
   * Takes the job that has waited longest, or one whose owner was not heard of for a lease. As long as several companies
   * wait, those come first of which none of this kind runs: a thousand jobs of one company do not keep another's back.
   */
  async claim(kind: string, owner: string): Promise<Claimed | undefined> {
    const due = (more: string): string => `(
      SELECT id FROM jobs j
       WHERE kind = $1 AND state IN ('queued', 'running') AND coalesce(lease_until, run_after) <= now() ${more}
       ORDER BY coalesce(lease_until, run_after), id
       LIMIT 1 FOR UPDATE SKIP LOCKED)`;
    const unserved = `AND NOT EXISTS (
        SELECT FROM jobs r
         WHERE r.company_id = j.company_id AND r.kind = j.kind AND r.state = 'running' AND r.id <> j.id)`;
    const [[job]] = (await this.dataSource.query(
      `UPDATE jobs
          SET state = 'running', owner = $2, lease_until = now() + $3 * interval '1 millisecond',
              attempts = attempts + 1, started_at = coalesce(started_at, now())
        WHERE id = coalesce(${due(unserved)}, ${due('')})
       RETURNING id, owner, company_id AS "companyId", actor_user_id AS "userId", input, position, attempts`,
      [kind, owner, this.leaseMs],
    )) as [[Claimed?], number];
    return job;
  }

  /** @returns false when the job is not this owner's any more, here and below */
  renew(held: Held): Promise<boolean> {
    return this.change(held, `lease_until = now() + $3 * interval '1 millisecond'`, [this.leaseMs]);
  }

  /** Part of the transaction of a step: without it nothing of the step may be committed. */
  advance(tx: EntityManager, held: Held, { done, total, position }: Progress<Plain>): Promise<boolean> {
    const set = `done = $3, total = $4, position = $5, lease_until = now() + $6 * interval '1 millisecond',
        attempts = CASE WHEN position IS DISTINCT FROM $5::jsonb THEN 0 ELSE attempts END`;
    return this.change(held, set, [done, total, JSON.stringify(position), this.leaseMs], tx);
  }

  finish(held: Held, result: Plain): Promise<boolean> {
    return this.change(held, `state = 'done', result = $3, ${ENDED}`, [JSON.stringify(result)]);
  }

  fail(held: Held, code: ErrorCode): Promise<boolean> {
    return this.change(held, `state = 'failed', error_code = $3, ${ENDED}`, [code]);
  }

  /** Puts it back into the queue, for later. */
  retry(held: Held, delayMs: number): Promise<boolean> {
    return this.change(held, `state = 'queued', run_after = now() + $3 * interval '1 millisecond', ${FREED}`, [
      delayMs,
    ]);
  }

  /** Puts it back into the queue, for whoever is free, as if it had not been taken. */
  handBack(held: Held): Promise<boolean> {
    return this.change(held, `state = 'queued', run_after = now(), attempts = greatest(attempts - 1, 0), ${FREED}`);
  }

  /** A run that goes on meanwhile cannot commit any more. @returns false when it had ended before */
  async cancel(id: string): Promise<boolean> {
    const open = `id = $1 AND state IN ('queued', 'running')`;
    const [, count] = (await this.dataSource.query(`UPDATE jobs SET state = 'cancelled', ${ENDED} WHERE ${open}`, [
      id,
    ])) as [unknown, number];
    return count === 1;
  }

  async find(kind: string, id: string, companyId: string | null): Promise<Job<Plain, Plain, Plain> | undefined> {
    const [job] = (await this.dataSource.query(
      `SELECT ${COLUMNS} FROM jobs WHERE id = $1 AND kind = $2 AND company_id IS NOT DISTINCT FROM $3`,
      [id, kind, companyId],
    )) as [Job<Plain, Plain, Plain>?];
    return job;
  }

  /** Whether any job of the kind waits or runs. */
  async isOpen(kind: string): Promise<boolean> {
    const [{ open }] = (await this.dataSource.query(
      `SELECT EXISTS (SELECT FROM jobs WHERE kind = $1 AND state IN ('queued', 'running')) AS open`,
      [kind],
    )) as [{ open: boolean }];
    return open;
  }

  async backlog(): Promise<Backlog[]> {
    return (await this.dataSource.query(
      `SELECT kind, count(*) FILTER (WHERE state = 'queued')::int AS queued,
              count(*) FILTER (WHERE state = 'running')::int AS running,
              coalesce(max(extract(epoch FROM now() - coalesce(lease_until, run_after)))
                FILTER (WHERE coalesce(lease_until, run_after) <= now()), 0)::float8 AS "oldestSeconds"
         FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind`,
    )) as Backlog[];
  }

  /** Forgets a batch of jobs that ended long ago. @returns whether there may be more */
  async prune(): Promise<boolean> {
    const [, count] = (await this.dataSource.query(
      `DELETE FROM jobs WHERE id IN (
         SELECT id FROM jobs WHERE finished_at <= now() - interval '${RETENTION}' ORDER BY finished_at
         LIMIT ${PRUNE_BATCH} FOR UPDATE SKIP LOCKED)`,
    )) as [unknown, number];
    return count === PRUNE_BATCH;
  }

  /** @param values from `$3` on */
  private async change(
    { id, owner }: Held,
    set: string,
    values: readonly unknown[] = [],
    on: Pick<EntityManager, 'query'> = this.dataSource,
  ): Promise<boolean> {
    const mine = `id = $1 AND owner = $2 AND state = 'running'`;
    const [, count] = (await on.query(`UPDATE jobs SET ${set} WHERE ${mine}`, [id, owner, ...values])) as [
      unknown,
      number,
    ];
    return count === 1;
  }
}
