import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The activity trail. It refers to no row: what it is about may be gone, or be another service's. */
export class Activity1795305600002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE activity (
        id            uuid        NOT NULL CONSTRAINT activity_pkey PRIMARY KEY,
        kind          text        NOT NULL CONSTRAINT activity_kind_check CHECK (char_length(kind) BETWEEN 3 AND 40),
        at            timestamptz NOT NULL,
        actor_user_id uuid        NOT NULL,
        company_id    uuid,
        subject_id    uuid        NOT NULL
      )`);
    await runner.query('CREATE INDEX activity_actor_user_id_idx ON activity (actor_user_id, id)');
    await runner.query(
      'CREATE INDEX activity_company_id_idx ON activity (company_id, id) WHERE company_id IS NOT NULL',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE activity');
  }
}
