import type { MigrationInterface, QueryRunner } from 'typeorm';

export const TELL_SIGNING_KEYS = `
  CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON signing_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tell_keys()`;

/** Every change of the public keys is published through the outbox, whoever makes it: also an operator who withdraws one. */
export class ToldKeys1795305600001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The search path is kept with the function: whoever changes a row may have another one.
    await runner.query(`
      CREATE FUNCTION tell_keys() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
        BEGIN
          INSERT INTO outbox (type, data) VALUES ('keys.rotated', '{}');
          RETURN NULL;
        END $$`);
    await runner.query(TELL_SIGNING_KEYS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER signing_keys_changed ON signing_keys');
    await runner.query('DROP FUNCTION tell_keys');
  }
}
