import { startPostgres } from '../../../tools/embedded/postgres.mjs';
import { startRedis } from '../../../tools/embedded/redis.mjs';
import { servers } from './servers';

/** One PostgreSQL and one Redis for the whole run, unless the environment names others; suites keep apart by database and prefix. */
export default async function globalSetup(): Promise<void> {
  await Promise.all([
    process.env['PUERTA_TEST_DATABASE_URL'] ??
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
