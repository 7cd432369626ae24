import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cards, their numbers and history, and scans. */
export class Cards1795219200000 implements MigrationInterface {
  readonly name = 'Cards1795219200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE cards (
        id uuid CONSTRAINT cards_pkey PRIMARY KEY,
        company_id uuid NOT NULL,
        number text NOT NULL,
        status text NOT NULL,
        holder_name text NOT NULL,
        holder_email text,
        holder_document_id text,
        holder_title text,
        holder_unit text,
        holder_user_id uuid,
        valid_until timestamptz,
        issued_at timestamptz NOT NULL,
        revision integer NOT NULL,
        code_salt bytea NOT NULL,
        code_secret_id text NOT NULL,
        code_hash bytea NOT NULL,
        search_words text[] NOT NULL,
        CONSTRAINT cards_company_number_key UNIQUE (company_id, number),
        CONSTRAINT cards_code_hash_key UNIQUE (code_hash),
        CONSTRAINT cards_number_check CHECK (number ~ '^[0-9]{2}-([0-9]{5}|[1-9][0-9]{5,8})$'),
        CONSTRAINT cards_status_check CHECK (status IN ('active', 'suspended', 'revoked')),
        CONSTRAINT cards_holder_check CHECK (
          char_length(holder_name) BETWEEN 1 AND 120
          AND char_length(holder_email) <= 254
          AND char_length(holder_document_id) <= 40
          AND char_length(holder_title) <= 80
          AND char_length(holder_unit) <= 120
        ),
        CONSTRAINT cards_revision_check CHECK (revision >= 1),
        CONSTRAINT cards_code_check CHECK (octet_length(code_salt) = 16 AND octet_length(code_hash) = 32)
      )`);
    // The list: newest first in one company, whole or by status, unit or expiry.
    await runner.query('CREATE INDEX cards_company_idx ON cards (company_id, id DESC)');
    await runner.query('CREATE INDEX cards_company_status_idx ON cards (company_id, status, id DESC)');
    await runner.query(
      'CREATE INDEX cards_company_unit_idx ON cards (company_id, holder_unit, id DESC) WHERE holder_unit IS NOT NULL',
    );
    await runner.query(
      `CREATE INDEX cards_company_expiry_idx ON cards (company_id, valid_until)
       WHERE status = 'active' AND valid_until IS NOT NULL`,
    );
    // Search by the beginnings of words. array_to_tsvector takes the words as they are, in no language.
    await runner.query('CREATE INDEX cards_search_idx ON cards USING gin (array_to_tsvector(search_words))');
    // At boot: which secrets are in use.
    await runner.query('CREATE INDEX cards_code_secret_idx ON cards (code_secret_id)');

    await runner.query(`
      CREATE TABLE card_counters (
        company_id uuid NOT NULL,
        year integer NOT NULL,
        next integer NOT NULL,
        CONSTRAINT card_counters_pkey PRIMARY KEY (company_id, year),
        CONSTRAINT card_counters_year_check CHECK (year BETWEEN 2000 AND 9999),
        CONSTRAINT card_counters_next_check CHECK (next > 10001)
      )`);

    await runner.query(`
      CREATE TABLE card_events (
        id uuid CONSTRAINT card_events_pkey PRIMARY KEY,
        card_id uuid NOT NULL CONSTRAINT card_events_card_fkey REFERENCES cards (id) ON DELETE CASCADE,
        kind text NOT NULL,
        revision integer NOT NULL,
        actor_user_id uuid NOT NULL,
        reason text,
        at timestamptz NOT NULL,
        CONSTRAINT card_events_kind_check
          CHECK (kind IN ('issued', 'updated', 'suspended', 'reactivated', 'revoked', 'rotated')),
        CONSTRAINT card_events_reason_check CHECK (char_length(reason) <= 200)
      )`);
    await runner.query('CREATE INDEX card_events_card_idx ON card_events (card_id, id)');

    await runner.query(`
      CREATE TABLE scans (
        id uuid CONSTRAINT scans_pkey PRIMARY KEY,
        card_id uuid NOT NULL CONSTRAINT scans_card_fkey REFERENCES cards (id) ON DELETE CASCADE,
        revision integer NOT NULL,
        at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX scans_card_idx ON scans (card_id, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE scans, card_events, card_counters, cards');
  }
}
