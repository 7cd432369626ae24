import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Files that are to be deleted are called orphans, as elsewhere. */
export class OrphanFiles1795910400000 implements MigrationInterface {
  readonly name = 'OrphanFiles1795910400000';

  async up(runner: QueryRunner): Promise<void> {
    await rename(runner, 'stray_files', 'orphan_files');
  }

  async down(runner: QueryRunner): Promise<void> {
    await rename(runner, 'orphan_files', 'stray_files');
  }
}

async function rename(runner: QueryRunner, from: string, to: string): Promise<void> {
  await runner.query(`ALTER TABLE ${from} RENAME TO ${to}`);
  await runner.query(`ALTER TABLE ${to} RENAME CONSTRAINT ${from}_pkey TO ${to}_pkey`);
  await runner.query(`ALTER TABLE ${to} RENAME CONSTRAINT ${from}_key_check TO ${to}_key_check`);
  await runner.query(`ALTER INDEX ${from}_since_idx RENAME TO ${to}_since_idx`);
}
