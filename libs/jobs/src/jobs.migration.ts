import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table of `Jobs`, in the schema of the service whose migrations include it. */
export class Jobs1795564860000 implements MigrationInterface {
  readonly name = 'Jobs1795564860000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE jobs (
        id uuid CONSTRAINT jobs_pkey PRIMARY KEY,
        kind text NOT NULL,
        company_id uuid,
        actor_user_id uuid NOT NULL,
        input jsonb NOT NULL,
        state text NOT NULL DEFAULT 'queued',
        run_after timestamptz NOT NULL DEFAULT now(),
        owner uuid,
        lease_until timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        done integer NOT NULL DEFAULT 0,
        total integer,
        position jsonb,
        result jsonb,
        error_code text,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        finished_at timestamptz,
        CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
        CONSTRAINT jobs_lease_check CHECK (
          (state = 'running') = (owner IS NOT NULL) AND (state = 'running') = (lease_until IS NOT NULL)
        ),
        CONSTRAINT jobs_end_check CHECK (
          (state IN ('done', 'failed', 'cancelled')) = (finished_at IS NOT NULL)
          AND (state = 'done') = (result IS NOT NULL)
          AND (state = 'failed') = (error_code IS NOT NULL)
        ),
        CONSTRAINT jobs_progress_check CHECK (attempts >= 0 AND done >= 0 AND total >= 0)
      )`);
    // What may be taken: queued ones once their time has come, running ones once their lease has ended.
    await runner.query(
      `CREATE INDEX jobs_due_idx ON jobs (kind, (coalesce(lease_until, run_after)), id)
       WHERE state IN ('queued', 'running')`,
    );
    await runner.query(`CREATE INDEX jobs_running_idx ON jobs (company_id, kind) WHERE state = 'running'`);
    await runner.query('CREATE INDEX jobs_finished_idx ON jobs (finished_at) WHERE finished_at IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE jobs');
  }
}
