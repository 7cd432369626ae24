import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, testDatabaseUrl, type TestDatabase } from '@puerta/testing';
import { connected } from './databases.mjs';
import { areUpToDate } from './migrations.mjs';

const workspace = join(__dirname, '../..');
const names = (app: string) =>
  JSON.parse(readFileSync(join(workspace, 'dist/bundles', app, 'migrations.json'), 'utf8')) as string[];

describe('that there is nothing to migrate', () => {
  let database: TestDatabase;
  const query = (sql: string, values?: unknown[]) => connected(database.url, (client) => client.query(sql, values));

  beforeAll(async () => {
    database = await createDatabase();
    for (const app of ['token-service', 'identity', 'card-issuer']) {
      const schema = app.replace('-', '_');
      await query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.migrations (id serial, name text)`);
      await query(`INSERT INTO ${schema}.migrations (name) SELECT unnest($1::text[])`, [names(app)]);
    }
  });
  afterAll(() => database.drop());

  it('is known where every service has run what its bundle has', async () => {
    expect(await areUpToDate(workspace, database.url)).toBe(true);
  });

  it.each([
    ['one has not run', 'DELETE FROM identity.migrations WHERE id = 2'],
    [
      'one has run that the bundle does not have',
      "INSERT INTO card_issuer.migrations (name) VALUES ('Newer1999999999999')",
    ],
    ['one has another name', "UPDATE token_service.migrations SET name = 'Other1795219200000' WHERE id = 1"],
    ['one is named twice', 'INSERT INTO identity.migrations (name) SELECT name FROM identity.migrations LIMIT 1'],
    [
      'those of two services are exchanged',
      'ALTER SCHEMA identity RENAME TO x; ALTER SCHEMA card_issuer RENAME TO identity; ALTER SCHEMA x RENAME TO card_issuer',
    ],
    ['a service has none yet', 'DROP TABLE card_issuer.migrations'],
    ['a schema is missing', 'DROP SCHEMA token_service CASCADE'],
  ])('is not, where %s', async (_, sql) => {
    const other = await createDatabase();
    try {
      await other.drop();
      await connected(testDatabaseUrl(), (client) =>
        client.query(`CREATE DATABASE ${other.name} TEMPLATE ${database.name}`),
      );
      await connected(other.url, (client) => client.query(sql));
      expect(await areUpToDate(workspace, other.url)).toBe(false);
    } finally {
      await other.drop();
    }
  });

  it('is not, where the database is empty or away, or there is no bundle', async () => {
    const empty = await createDatabase();
    expect(await areUpToDate(workspace, empty.url)).toBe(false);
    await empty.drop();
    expect(await areUpToDate(workspace, empty.url)).toBe(false);
    expect(await areUpToDate('/nowhere', database.url)).toBe(false);
  });
});
