// @ts-check
/** Whether there is anything to migrate, without a process of each service to find out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { connected } from './databases.mjs';
import { OWNERS, SERVICES } from './services.mjs';

/**
 * Each migration is a transaction that ends with its name in the service's table: what is read there is done, whoever
 * migrates meanwhile.
 *
 * @param {string} workspace
 * @param {string} databaseUrl of a user who may read all schemas
 * @returns {Promise<boolean>} whether the tables name what the bundles would run, no more and no less; false as well when
 *   that cannot be told, for the services themselves know why
 */
export async function areUpToDate(workspace, databaseUrl) {
  const tables = OWNERS.map((app) => `SELECT '${app}' AS app, name FROM ${SERVICES[app].database}.migrations`);
  try {
    const wanted = OWNERS.flatMap((app) =>
      JSON.parse(readFileSync(join(workspace, 'dist/bundles', app, 'migrations.json'), 'utf8')).map(
        (/** @type {string} */ name) => `${app} ${name}`,
      ),
    );
    const { rows } = await connected(databaseUrl, (client) => client.query(tables.join(' UNION ALL ')));
    return isDeepStrictEqual(rows.map(({ app, name }) => `${app} ${name}`).sort(), wanted.sort());
  } catch {
    return false;
  }
}
