import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Photos of cards, and the files that are to be deleted. */
export class CardPhotos1795564800000 implements MigrationInterface {
  readonly name = 'CardPhotos1795564800000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE cards
        ADD COLUMN photo_key text,
        ADD CONSTRAINT cards_photo_key_check CHECK (char_length(photo_key) BETWEEN 1 AND 120)`);
    await kindsOfEvents(runner, [...KINDS, 'photo_set', 'photo_removed']);
    await runner.query(`
      CREATE TABLE stray_files (
        key text CONSTRAINT stray_files_pkey PRIMARY KEY,
        since timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT stray_files_key_check CHECK (char_length(key) BETWEEN 1 AND 120)
      )`);
    await runner.query('CREATE INDEX stray_files_since_idx ON stray_files (since)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE stray_files');
    await runner.query(`DELETE FROM card_events WHERE kind LIKE 'photo%'`);
    await kindsOfEvents(runner, KINDS);
    await runner.query('ALTER TABLE cards DROP COLUMN photo_key');
  }
}

const KINDS = ['issued', 'updated', 'suspended', 'reactivated', 'revoked', 'rotated'];

async function kindsOfEvents(runner: QueryRunner, kinds: readonly string[]): Promise<void> {
  await runner.query('ALTER TABLE card_events DROP CONSTRAINT card_events_kind_check');
  await runner.query(`
    ALTER TABLE card_events ADD CONSTRAINT card_events_kind_check
      CHECK (kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}))`);
}
