import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** A database of a suite's own, in the PostgreSQL that all suites share. */
export interface TestDatabase {
  /** The superuser's. */
  readonly url: string;
  readonly name: string;
  /** The roles that are named after it go too. */
  drop(): Promise<void>;
}

/**
 * @param serverUrl a superuser's; default: the one that the global set-up started
 */
export async function createDatabase(serverUrl = testDatabaseUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await connected(serverUrl, (client) => client.query(`CREATE DATABASE ${name}`));
  return databaseOf(serverUrl, name);
}

/** A database that is there. */
export function databaseOf(serverUrl: string, name: string): TestDatabase {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, name, drop: () => drop(serverUrl, name) };
}

/** The shared PostgreSQL's superuser URL. */
export function testDatabaseUrl(): string {
  return required('PUERTA_TEST_DATABASE_URL');
}

/** The shared Redis; keep apart by a key prefix. */
export function testRedisUrl(): string {
  return required('PUERTA_TEST_REDIS_URL');
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: Jest's global set-up has not run`);
  return value;
}

async function drop(serverUrl: string, name: string): Promise<void> {
  await connected(serverUrl, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    const roles = await client.query<{ role: string }>(
      'SELECT quote_ident(rolname) AS role FROM pg_roles WHERE starts_with(rolname, $1)',
      [`${name}_`],
    );
    for (const { role } of roles.rows) await client.query(`DROP ROLE ${role}`);
  });
}

export async function connected(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
