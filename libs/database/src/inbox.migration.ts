import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The table of the `Inbox`, in the schema of the service whose migrations include it. */
export class Inbox1763596800000 implements MigrationInterface {
  readonly name = 'Inbox1763596800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE inbox (
        key bytea NOT NULL,
        pattern text NOT NULL,
        fingerprint bytea NOT NULL,
        reference jsonb,
        expires_at timestamptz NOT NULL,
        CONSTRAINT inbox_pkey PRIMARY KEY (key),
        CONSTRAINT inbox_key_is_sha256 CHECK (octet_length(key) = 32),
        CONSTRAINT inbox_fingerprint_is_sha256 CHECK (octet_length(fingerprint) = 32)
      )`);
    await runner.query('CREATE INDEX inbox_expires_at_idx ON inbox (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE inbox');
  }
}

/** Where the answers to calls with an Idempotency-Key are kept, sealed. Older replicas leave it empty. */
export class InboxAnswers1795564800000 implements MigrationInterface {
  readonly name = 'InboxAnswers1795564800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE inbox ADD COLUMN answer text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE inbox DROP COLUMN answer');
  }
}
