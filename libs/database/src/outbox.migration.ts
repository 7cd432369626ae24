import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table that `publish` writes to, in the schema of the service whose migrations include it. */
export class Outbox1795305600000 implements MigrationInterface {
  readonly name = 'Outbox1795305600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE outbox (
        seq bigint GENERATED ALWAYS AS IDENTITY,
        type text NOT NULL,
        data jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT outbox_pkey PRIMARY KEY (seq),
        CONSTRAINT outbox_data_check CHECK (jsonb_typeof(data) = 'object')
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}
