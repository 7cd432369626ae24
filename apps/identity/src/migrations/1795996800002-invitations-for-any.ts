import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Those from before are for the e-mail that they name: that is who was meant, and the others can be invited again. */
export class InvitationsForAny1795996800002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE invitations ADD COLUMN any_email boolean NOT NULL DEFAULT false');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE invitations DROP COLUMN any_email');
  }
}
