import { Socket } from 'node:net';
import pg from 'pg';
import type { DataSourceOptions, Logger, MigrationInterface } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions';
import { PooledClient } from './pooled-client';

export interface DatabaseOptions {
  readonly url: string;
  /** The service's own schema; nothing else is on its search path. */
  readonly schema: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly entities: NonNullable<DataSourceOptions['entities']>;
  readonly migrations: readonly (new () => MigrationInterface)[];
  readonly poolSize?: number;
  /** A statement that runs longer is cancelled. Default 5 s, within a message's time to live; 0: no bound (migrations). */
  readonly statementTimeoutMs?: number;
  /** A statement that waits longer for a lock is cancelled. Default 4 s. */
  readonly lockTimeoutMs?: number;
  /** Told when an idle connection breaks, e.g. because PostgreSQL restarts; the pool replaces it. */
  readonly onPoolError?: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 3_000;
/** How much later than the server's own bound the client gives a silent connection up. */
const SILENCE_SLACK_MS = 5_000;
/** Shorter than any silence that is given up: the pool lets go of an idle connection before it looks broken. */
const IDLE_TIMEOUT_MS = 4_000;

/** TypeORM's own would print queries with their parameters; what fails is thrown, and logged by whoever catches it. */
const SILENT: Logger = {
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
  logMigration: () => undefined,
  log: () => undefined,
};

/**
 * Options of a TypeORM data source that never changes tables by itself, gives up in bounded time, and whose pool
 * survives restarts and freezes of PostgreSQL.
 * @throws TypeError when the schema is not a plain lower-case identifier (it is used in SQL and in the start-up packet)
 */
export function dataSourceOptions(options: DatabaseOptions): PostgresDataSourceOptions & DataSourceOptions {
  const { schema, statementTimeoutMs = 5_000, lockTimeoutMs = 4_000 } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) throw new TypeError('a schema is a plain lower-case identifier');
  return {
    type: 'postgres',
    driver: pg, // TypeORM would look for it by a name that no bundler sees
    url: options.url,
    schema,
    applicationName: options.applicationName,
    entities: options.entities,
    migrations: [...options.migrations],
    migrationsTableName: 'migrations',
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    logger: SILENT,
    poolSize: options.poolSize ?? 10,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    poolErrorHandler: (error: Error) => options.onPoolError?.(error),
    extra: {
      Client: PooledClient,
      options: `-c search_path=${schema}`,
      statement_timeout: statementTimeoutMs,
      lock_timeout: lockTimeoutMs,
      idle_in_transaction_session_timeout: statementTimeoutMs === 0 ? 0 : 2 * statementTimeoutMs,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      // Only then, because a long migration is silent for as long as it runs.
      ...(statementTimeoutMs === 0 ? {} : { stream: () => impatientSocket(statementTimeoutMs + SILENCE_SLACK_MS) }),
    },
  };
}

/**
 * The server's own timeouts do not help when it is frozen or its network is gone: the connection looks open and a query
 * would wait for ever. A socket that was silent for longer than any statement may run is destroyed, so that its query
 * fails and the pool drops it. (`query_timeout` of pg fails the query and puts the stuck connection back in the pool.)
 */
function impatientSocket(silenceMs: number): Socket {
  const socket = new Socket();
  return socket.setTimeout(silenceMs, () => {
    socket.destroy(Object.assign(new Error('PostgreSQL fell silent'), { code: 'ETIMEDOUT', syscall: 'read' }));
  });
}
