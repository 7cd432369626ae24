import { loadConfig } from '@puerta/config';
import { dataSourceOptions, runMigrations } from '@puerta/database';
import { createDatabase, type TestDatabase } from '@puerta/testing';
import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { identityConfig } from '../config';
import { identity } from '../identity';

let postgres: TestDatabase;
let database: DataSource;

beforeAll(async () => {
  postgres = await createDatabase();
  const config = loadConfig(identityConfig, {
    NODE_ENV: 'test',
    REDIS_URL: 'redis://localhost',
    BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
    IDENTITY_DATABASE_URL: postgres.url,
    IDENTITY_SECRET: randomBytes(32).toString('base64'),
  });
  database = new DataSource(dataSourceOptions({ ...identity.database(config), applicationName: 'test' }));
  await database.initialize();
});

afterAll(async () => {
  await database.destroy();
  await postgres.drop();
});

const objects = async (): Promise<string[]> => {
  const rows = await database.query(
    `SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'identity'::regnamespace AND relname !~ '^(migrations|PK_)'
     UNION ALL
     SELECT typname FROM pg_type WHERE typnamespace = 'identity'::regnamespace AND typtype = 'e'`,
  );
  return rows.map(({ name }: { name: string }) => name);
};

it('make everything, undo it all, and make it again', async () => {
  await runMigrations(database);
  const made = await objects();
  expect(made).toEqual(
    expect.arrayContaining([
      'users',
      'sessions',
      'companies',
      'memberships',
      'invitations',
      'company_role',
      'inbox',
      'outbox',
      'activity',
    ]),
  );
  const count = (await database.query('SELECT 1 FROM migrations')).length;
  for (let i = 0; i < count; i++) await database.undoLastMigration();
  expect(await objects()).toEqual([]);
  await runMigrations(database);
  expect((await objects()).sort()).toEqual(made.sort());
});

it('give e-mails from before their canonical form, and stop where two accounts have one', async () => {
  const add = (email: string) =>
    database.query(
      `INSERT INTO users (id, email, name, password_hash, locale, status)
       VALUES (gen_random_uuid(), $1, 'Ana', '$argon2id$', 'en', 'active') RETURNING id`,
      [email],
    );
  const after = async () => {
    const done = await runMigrations(database);
    expect(done).toContain('CanonicalEmails1795996800001');
    return database.query('SELECT email, canonical_email FROM users ORDER BY email');
  };
  while ((await database.query(`SELECT 1 FROM migrations WHERE name LIKE 'CanonicalEmails%'`)).length > 0)
    await database.undoLastMigration();
  await add('ana@example.com');
  const [{ id }] = await add('ana@münchen.de');
  const [{ id: twin }] = await add('ana@xn--mnchen-3ya.de');
  await expect(runMigrations(database)).rejects.toThrow(`${id < twin ? id : twin}, ${id < twin ? twin : id}`);
  await database.query('DELETE FROM users WHERE id = $1', [twin]);
  await add('josé@example.com');
  expect(await after()).toEqual([
    { email: 'ana@example.com', canonical_email: null },
    { email: 'ana@münchen.de', canonical_email: 'ana@xn--mnchen-3ya.de' },
    { email: 'josé@example.com', canonical_email: null },
  ]);
  await database.query('DELETE FROM users');
});

it('name every constraint', async () => {
  const rows = await database.query(
    `SELECT conname AS name FROM pg_constraint
      WHERE connamespace = 'identity'::regnamespace AND contype <> 'n' AND conrelid <> 'migrations'::regclass`,
  );
  expect(rows.length).toBeGreaterThan(30);
  for (const { name } of rows) expect(name).toMatch(/_(?:pkey|key|fkey|check)$|^inbox_/);
});

it.each(['ActivityEntity', 'UserEntity', 'CompanyEntity', 'MembershipEntity', 'SessionEntity', 'InvitationEntity'])(
  'give %s the columns it has, with their types',
  async (name) => {
    const entity = database.entityMetadatas.find((one) => one.name === name);
    const columns = await database.query(
      `SELECT column_name, is_nullable = 'YES' AS nullable,
              CASE data_type WHEN 'USER-DEFINED' THEN 'enum' ELSE udt_name END AS type
         FROM information_schema.columns WHERE table_schema = 'identity' AND table_name = $1`,
      [entity?.tableName],
    );
    const inDatabase = columns.map((c: { column_name: string; nullable: boolean; type: string }) => [
      c.column_name,
      c.type,
      c.nullable,
    ]);
    const inEntity = entity?.columns.map((c) => [c.databaseName, c.type, c.isNullable]) ?? [];
    expect(inEntity.sort()).toEqual(inDatabase.sort());
  },
);
