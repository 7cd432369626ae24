import { canonicalEmail } from '@puerta/contracts';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * E-mails are unique by their canonical form. A row has it only where it is not the e-mail itself: so replicas from before,
 * which do not know the column, may add and find users while they still run.
 */
export class CanonicalEmails1795996800001 implements MigrationInterface {
  /** @throws Error if two accounts are of one mailbox. Which of them is to stay nobody here can know. */
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE users ADD COLUMN canonical_email text
         CONSTRAINT users_canonical_email_check CHECK (char_length(canonical_email) BETWEEN 3 AND 320)`,
    );
    // All others are their own canonical form.
    const users: { id: string; email: string }[] = await runner.query(
      `SELECT id, email FROM users WHERE email ~ '[^\\x01-\\x7f]' OR email LIKE '%@%xn--%'`,
    );
    for (const { id, email } of users) {
      await runner.query('UPDATE users SET canonical_email = $2 WHERE id = $1 AND lower(email) <> $2', [
        id,
        canonicalEmail(email),
      ]);
    }
    await refuseTwins(runner);
    await runner.query('DROP INDEX users_email_key');
    await runner.query('CREATE UNIQUE INDEX users_email_key ON users (coalesce(canonical_email, lower(email)))');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX users_email_key');
    await runner.query('CREATE UNIQUE INDEX users_email_key ON users (lower(email))');
    await runner.query('ALTER TABLE users DROP COLUMN canonical_email');
  }
}

async function refuseTwins(runner: QueryRunner): Promise<void> {
  const twins: { ids: string }[] = await runner.query(
    `SELECT string_agg(id::text, ', ' ORDER BY id) AS ids FROM users
      GROUP BY coalesce(canonical_email, lower(email)) HAVING count(*) > 1`,
  );
  if (twins.length === 0) return;
  const accounts = twins.map(({ ids }) => ids).join('; ');
  throw new Error(
    `these users have one mailbox, change the e-mail of all but one of each, then migrate again: ${accounts}`,
  );
}
