// @ts-check
/** A schema and a role per service in one database: no service can read what another one owns. */
import pg from 'pg';
import { OWNERS, SERVICES } from './services.mjs';

/** @typedef {import('./services.mjs').Owner} Owner */
/** @typedef {import('./services.mjs').DatabaseUrls} DatabaseUrls */

/**
 * Creates the database if there is none of that name.
 *
 * @param {string} serverUrl
 * @param {string} name
 * @returns {Promise<string>} its URL, for the same user
 */
export async function ensureDatabase(serverUrl, name) {
  await connected(serverUrl, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount) return;
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    await client.query(`REVOKE ALL ON DATABASE ${pg.escapeIdentifier(name)} FROM PUBLIC`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
}

/**
 * Creates, or brings up to date, each service's role and schema. Where the user may not create roles, all services are
 * that user.
 *
 * @param {string} databaseUrl
 * @param {{ rolePrefix: string, passwords: Record<Owner, string> }} options
 * @returns {Promise<DatabaseUrls & { shared: boolean }>} `shared` when one user serves all
 */
export async function provision(databaseUrl, { rolePrefix, passwords }) {
  return connected(databaseUrl, async (client) => {
    // Two starts at once would both find the role missing.
    await client.query("SELECT pg_advisory_lock(hashtext('puerta.provision'))");
    const { rows } = await client.query(
      'SELECT rolsuper, rolsuper OR rolcreaterole AS may_create FROM pg_roles WHERE rolname = current_user',
    );
    const urls = /** @type {DatabaseUrls} */ ({});
    for (const owner of OWNERS) {
      const schema = SERVICES[owner].database ?? '';
      if (rows[0].may_create) {
        const role = `${rolePrefix}_${schema}`;
        await ensureRole(client, role, passwords[owner]);
        await ensureOwnSchema(client, role, schema);
        urls[owner] = withUser(databaseUrl, role, passwords[owner]);
      } else {
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
        urls[owner] = withSearchPath(databaseUrl, schema);
      }
    }
    return { ...urls, shared: !rows[0].may_create };
  });
}

/** @param {pg.Client} client @param {string} role @param {string} password */
async function ensureRole(client, role, password) {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  const verb = rowCount ? 'ALTER' : 'CREATE';
  await client.query(`${verb} ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
}

/** @param {pg.Client} client @param {string} role @param {string} schema */
async function ensureOwnSchema(client, role, schema) {
  const { rows } = await client.query(
    "SELECT current_database() AS database, pg_has_role(current_user, $1, 'SET') AS may_set",
    [role],
  );
  const [quotedRole, quotedSchema, database] = [role, schema, rows[0].database].map((name) =>
    pg.escapeIdentifier(name),
  );
  // Only members of a role may give it things; superusers are members of all.
  if (!rows[0].may_set) await client.query(`GRANT ${quotedRole} TO CURRENT_USER`);
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${quotedRole}`);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${quotedSchema} AUTHORIZATION ${quotedRole}`);
  await client.query(`ALTER ROLE ${quotedRole} IN DATABASE ${database} SET search_path = ${quotedSchema}`);
}

/** @param {string} databaseUrl @param {string} user @param {string} password */
function withUser(databaseUrl, user, password) {
  const url = new URL(databaseUrl);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** @param {string} databaseUrl @param {string} schema */
function withSearchPath(databaseUrl, schema) {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

/**
 * @template T
 * @param {string} connectionString
 * @param {(client: pg.Client) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function connected(connectionString, work) {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // `connect` and each query reject with it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
