import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { violates } from './failures';

/** How long to wait for somebody else's migrations. */
const WAIT_FOR_OTHERS = '10min';
/** DDL that waits for a lock makes all later statements on that table wait behind it, so it gives up early. */
const LOCK_TIMEOUT = '30s';

/** A migration that failed, and was undone; `cause` is why. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    readonly migration: string,
    cause: unknown,
  ) {
    super(`${migration}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/**
 * Brings the schema of a data source up to date, making it first if it is not there. Two at once are safe: the second
 * waits, and finds nothing to do. The lock and the migrations share one connection, so that who loses the lock with
 * its connection cannot go on migrating. Each migration is a transaction of its own.
 * @returns the names of the migrations that ran now
 * @throws MigrationError when one fails; those before it stay
 */
export async function runMigrations(dataSource: DataSource): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const schema = schemaOf(dataSource);
    await lock(runner, schema);
    await createSchema(runner, schema);
    const executor = new MigrationExecutor(dataSource, runner);
    executor.transaction = 'each';
    const done = await executor.executePendingMigrations().catch(async (error: unknown) => {
      const [failed] = await executor.getPendingMigrations().catch(() => []);
      throw failed === undefined ? error : new MigrationError(failed.name, error);
    });
    return done.map((migration) => migration.name);
  } finally {
    await unlock(runner);
    await runner.release();
  }
}

function schemaOf(dataSource: DataSource): string {
  const { schema } = dataSource.options as { schema?: string };
  if (schema === undefined) throw new TypeError('the data source names no schema');
  return schema;
}

async function lock(runner: QueryRunner, schema: string): Promise<void> {
  await runner.query('SET statement_timeout = 0');
  await runner.query(`SET lock_timeout = '${WAIT_FOR_OTHERS}'`);
  await runner.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`puerta.migrations.${schema}`]);
  await runner.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
}

/** Leaves the connection as it was. A lost one has lost its locks too. */
async function unlock(runner: QueryRunner): Promise<void> {
  await runner.query('SELECT pg_advisory_unlock_all()').catch(() => undefined);
  await runner.query('RESET statement_timeout; RESET lock_timeout').catch(() => undefined);
}

/** IF NOT EXISTS alone would ask for the right to create schemas even where the operator has made this one. */
async function createSchema(runner: QueryRunner, schema: string): Promise<void> {
  const found: unknown[] = await runner.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.length > 0) return;
  try {
    await runner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  } catch (error) {
    // The lock is per schema of one database; whoever else makes schemas (the launcher) may have been faster.
    if (!violates(error, 'pg_namespace_nspname_index')) throw error;
  }
}
