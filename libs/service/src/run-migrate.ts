import { dataSourceOptions, runMigrations } from '@puerta/database';
import { createLogger } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { type AppConfigDefinition, bootMessage, loadOrExit } from './process';
import type { StoringService } from './service';

/**
 * Brings the tables of a service up to date and ends: with 0 when they are, 78 when the configuration is wrong, else 1.
 * The whole of an app's `migrate.ts`.
 */
export async function runMigrate<D extends AppConfigDefinition>(
  definition: Pick<StoringService<D>, 'config' | 'database'>,
): Promise<void> {
  const config = loadOrExit(definition.config);
  const name = `${definition.config.app}-migrate`;
  const logger = createLogger({ name });
  const options = { ...definition.database(config), applicationName: `puerta-${name}`, statementTimeoutMs: 0 };
  const dataSource = new DataSource(dataSourceOptions(options));
  try {
    await dataSource.initialize();
    const names = await runMigrations(dataSource);
    for (const migration of names) logger.info('migrated', { migration });
    logger.info(names.length === 0 ? 'the tables are up to date' : 'the tables are up to date now', {
      count: names.length,
    });
    await dataSource.destroy();
    process.exitCode = 0;
  } catch (error) {
    logger.fatal(`cannot migrate: ${bootMessage(error)}`, { error });
    process.exit(1);
  }
}
