import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Keys for assertions. Replicas of the version before look for the uses that they know. */
export class AssertionKeys1796083200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE keys DROP CONSTRAINT keys_use_check,
        ADD CONSTRAINT keys_use_check CHECK (use IN ('access', 'ticket', 'assertion')),
        DROP CONSTRAINT keys_kid_check,
        ADD CONSTRAINT keys_kid_check CHECK (kid ~ CASE use
          WHEN 'ticket' THEN '^[A-Za-z0-9_-]{4}$' WHEN 'assertion' THEN '^[A-Za-z0-9_-]{22}$' ELSE '^[A-Za-z0-9_-]{43}$' END)`);
  }

  /** What they signed was good for half a minute. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM keys WHERE use = 'assertion'`);
    await runner.query(`
      ALTER TABLE keys DROP CONSTRAINT keys_use_check,
        ADD CONSTRAINT keys_use_check CHECK (use IN ('access', 'ticket')),
        DROP CONSTRAINT keys_kid_check,
        ADD CONSTRAINT keys_kid_check CHECK (kid ~ CASE use WHEN 'ticket' THEN '^[A-Za-z0-9_-]{4}$' ELSE '^[A-Za-z0-9_-]{43}$' END)`);
  }
}
