import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Signing keys. Private halves are there in encrypted form alone. */
export class SigningKeys1795219200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE signing_keys (
        kid         text        NOT NULL CONSTRAINT signing_keys_pkey PRIMARY KEY
                                CONSTRAINT signing_keys_kid_check CHECK (kid ~ '^[A-Za-z0-9_-]{43}$'),
        use         text        NOT NULL CONSTRAINT signing_keys_use_check CHECK (use IN ('access')),
        state       text        NOT NULL CONSTRAINT signing_keys_state_check CHECK (state IN ('active')),
        public_jwk  jsonb       NOT NULL CONSTRAINT signing_keys_public_jwk_check
                                CHECK (jsonb_typeof(public_jwk) = 'object' AND NOT public_jwk ? 'd'),
        private_key text        NOT NULL CONSTRAINT signing_keys_private_key_check
                                CHECK (private_key ~ '^[a-z0-9]{1,16}[.][A-Za-z0-9_-]{16}[.][A-Za-z0-9_-]{22,}$'),
        created_at  timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX signing_keys_one_active_per_use ON signing_keys (use) WHERE state = 'active'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_keys');
  }
}
