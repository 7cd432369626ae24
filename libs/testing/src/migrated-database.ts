import { randomBytes } from 'node:crypto';
import { provision } from '../../../tools/embedded/databases.mjs';
import { type DatabaseUrls, newPasswords, OWNERS, SERVICES } from '../../../tools/embedded/services.mjs';
import { connected, databaseOf, type TestDatabase } from './database';

/** Runs the migrations of all services, each by its own URL. */
type Migrate = (urls: DatabaseUrls) => Promise<unknown>;

/**
 * A database with the tables of all services, and each service's own URL. The migrations run once for each server and
 * each run of the tests: three processes, which cost more than many a suite. All others get copies of what they made.
 */
export async function migratedDatabase(serverUrl: string, migrate: Migrate): Promise<[TestDatabase, DatabaseUrls]> {
  const template = await migratedTemplate(serverUrl, migrate);
  const database = databaseOf(serverUrl, `test_${randomBytes(6).toString('hex')}`);
  await connected(serverUrl, (client) => client.query(`CREATE DATABASE ${database.name} TEMPLATE ${template}`));
  const urls = await withRoles(database);
  await connected(database.url, async (client) => {
    for (const owner of OWNERS) {
      const { database: schema } = SERVICES[owner];
      await client.query(`REASSIGN OWNED BY ${template}_${schema} TO ${database.name}_${schema}`);
    }
  });
  return [database, urls];
}

/** Removes what {@link migratedDatabase} copies from. */
export async function dropTemplate(serverUrl: string): Promise<void> {
  await databaseOf(serverUrl, templateName()).drop();
}

async function migratedTemplate(serverUrl: string, migrate: Migrate): Promise<string> {
  const name = templateName();
  await connected(serverUrl, async (client) => {
    // Suites side by side: one makes it, the others wait. The lock goes with the connection.
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name]);
    if ((await client.query('SELECT FROM pg_database WHERE datname = $1', [name])).rowCount) return;
    const unfinished = databaseOf(serverUrl, `${name}_new`);
    await unfinished.drop();
    await client.query(`CREATE DATABASE ${unfinished.name}`);
    await migrate(await withRoles(unfinished, name));
    await client.query(`ALTER DATABASE ${unfinished.name} RENAME TO ${name}`);
  });
  return name;
}

/** Roles belong to the whole server: named after the database, so that suites side by side do not share them. */
function withRoles(database: TestDatabase, rolePrefix = database.name): Promise<DatabaseUrls> {
  return provision(database.url, { rolePrefix, passwords: newPasswords(OWNERS) }).then(
    ({ shared: _, ...urls }) => urls,
  );
}

/** One for each run: the next one may have other migrations. */
function templateName(): string {
  return `template_${process.env['PUERTA_TEST_RUN']}`;
}
