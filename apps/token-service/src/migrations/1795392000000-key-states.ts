import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SigningKeys1795219200000 } from './1795219200000-signing-keys';
import { TELL_SIGNING_KEYS } from './1795305600001-told-keys';

/**
 * Keys for tickets, and keys that come and go. They are in a table of another name, because replicas of the version
 * before, which run on for a while, know of one key: they find it, and whatever becomes of it, in the view.
 */
export class KeyStates1795392000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE keys (
        kid          text        NOT NULL CONSTRAINT keys_pkey PRIMARY KEY,
        use          text        NOT NULL CONSTRAINT keys_use_check CHECK (use IN ('access', 'ticket')),
        state        text        NOT NULL CONSTRAINT keys_state_check CHECK (state IN ('next', 'active', 'retiring', 'retired')),
        state_since  timestamptz NOT NULL DEFAULT clock_timestamp(),
        signed_until timestamptz,
        public_jwk   jsonb       NOT NULL CONSTRAINT keys_public_jwk_check
                                 CHECK (jsonb_typeof(public_jwk) = 'object' AND NOT public_jwk ? 'd'),
        private_key  text        CONSTRAINT keys_private_key_check
                                 CHECK (private_key ~ '^[a-z0-9]{1,16}[.][A-Za-z0-9_-]{16}[.][A-Za-z0-9_-]{22,}$'),
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT keys_kid_check CHECK (kid ~ CASE use WHEN 'ticket' THEN '^[A-Za-z0-9_-]{4}$' ELSE '^[A-Za-z0-9_-]{43}$' END),
        CONSTRAINT keys_erased_check CHECK ((state = 'retired') = (private_key IS NULL)),
        CONSTRAINT keys_unused_check CHECK (state <> 'next' OR signed_until IS NULL)
      )`);
    await runner.query(`CREATE UNIQUE INDEX keys_one_active ON keys (use) WHERE state = 'active'`);
    await runner.query(`CREATE UNIQUE INDEX keys_one_next ON keys (use) WHERE state = 'next'`);
    // What they sign they do not write down: at most a day ahead, for as long as they still run.
    await runner.query(`
      INSERT INTO keys (kid, use, state, state_since, signed_until, public_jwk, private_key, created_at)
        SELECT kid, use, state, created_at, now() + interval '2 days', public_jwk, private_key, created_at FROM signing_keys`);
    await runner.query('DROP TABLE signing_keys');
    await runner.query(`
      CREATE VIEW signing_keys AS
        SELECT kid, use, state, public_jwk, private_key, created_at FROM keys WHERE use = 'access' AND state = 'active'`);
    // Not of how long a key signs, nor of how it is sealed: neither is anything to those who verify.
    await runner.query(`
      CREATE TRIGGER keys_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF kid, use, state, public_jwk ON keys
        FOR EACH STATEMENT EXECUTE FUNCTION tell_keys()`);
  }

  /** Back to one key. Tickets, and what other keys signed, are not good any more. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP VIEW signing_keys');
    await new SigningKeys1795219200000().up(runner);
    await runner.query(`
      INSERT INTO signing_keys SELECT kid, use, state, public_jwk, private_key, created_at
        FROM keys WHERE use = 'access' AND state = 'active'`);
    await runner.query('DROP TABLE keys');
    await runner.query(TELL_SIGNING_KEYS);
  }
}
