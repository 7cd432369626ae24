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

/**
 * Wakes the relays of all replicas when an event is committed, whoever wrote it. Not for activity, of which there is much:
 * commits that notify wait for one another, and who wrote it hands it on.
 */
export class OutboxNotify1795996800000 implements MigrationInterface {
  readonly name = 'OutboxNotify1795996800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_notify(TG_TABLE_SCHEMA || '.outbox', '');
          RETURN NULL;
        END $$`);
    await runner.query(`
      CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH ROW
        WHEN (NEW.type <> 'activity') EXECUTE FUNCTION notify_outbox()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER outbox_notify ON outbox');
    await runner.query('DROP FUNCTION notify_outbox()');
  }
}
