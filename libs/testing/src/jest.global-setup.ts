import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { startPostgres } from '../../../tools/embedded/postgres.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';
import { startRedis } from '../../../tools/embedded/redis.mjs';
import { dropTemplate } from './migrated-database';
import { servers } from './servers';

/** One PostgreSQL and one Redis for the whole run, unless the environment names others; suites keep apart by database and prefix. */
export default async function globalSetup(): Promise<void> {
  process.env['PUERTA_TEST_RUN'] = randomBytes(6).toString('hex');
  const bundles = temporaryFolder('bundles');
  process.env['PUERTA_TEST_BUNDLES'] = bundles; // of run.mjs
  servers.push({ stop: async () => rmSync(bundles, { recursive: true }) });
  const lasting = process.env['PUERTA_TEST_DATABASE_URL'];
  if (lasting) servers.push({ stop: () => dropTemplate(lasting) });
  await Promise.all([
    lasting ??
      startPostgres().then((postgres) => {
        process.env['PUERTA_TEST_DATABASE_URL'] = postgres.url;
        servers.push(postgres);
      }),
    process.env['PUERTA_TEST_REDIS_URL'] ??
      startRedis({ progress: (message) => console.log(message) }).then((redis) => {
        process.env['PUERTA_TEST_REDIS_URL'] = redis.url;
        servers.push(redis);
      }),
  ]);
}
