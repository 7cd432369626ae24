import { host, port } from './network';
import { flag, integer, keyPrefix, logLevel, oneOf } from './scalars';
import { keyring } from './secrets';
import { databaseUrl, redisUrl, serviceUrl } from './urls';
import { ENVIRONMENTS, type Source, type Variable } from './variable';

/** What every app reads. */
export const commonConfig = {
  NODE_ENV: oneOf('Outside development, weak secrets and plain http are refused', ENVIRONMENTS).default('production'),
  LOG_LEVEL: logLevel('The least important messages that are logged').default('info'),
  REDIS_URL: redisUrl('Redis 7 or newer, or Valkey'),
  REDIS_BUS_URL: redisUrl('A Redis of its own for the messages between services').meta({ sources: ['REDIS_URL'] }),
  BUS_PREFIX: keyPrefix('Begins every key of the bus, so that installations can share one Redis').default('bus'),
  BUS_SECRET: keyring('Seals what travels and rests on the bus; the same for every app, and new keys first as second'),
  INTERNAL_HOST: host('Address of the internal server; keep it off public networks').default('127.0.0.1'),
  INTERNAL_PORT: port('Port of the internal server: GET /health, /health/ready, /metrics').default(0),
  OTEL_EXPORTER_OTLP_ENDPOINT: serviceUrl(
    'Where spans are sent by OTLP over HTTP; without it none are made',
  ).optional(),
  PUERTA_EXIT_WITH_PARENT: flag('Stop when standard input ends: the starting process has died').default(false),
};

const DATABASE_URL = databaseUrl('PostgreSQL of every service that has no URL of its own').optional();

const DATABASE_POOL_SIZE = integer('Most connections that one replica opens to PostgreSQL', {
  min: 2,
  max: 500,
}).default(10);

type DatabaseShape<S extends string> = Record<`${S}_DATABASE_URL`, Variable<string>> & {
  readonly DATABASE_URL: typeof DATABASE_URL;
  readonly DATABASE_POOL_SIZE: typeof DATABASE_POOL_SIZE;
};

/** The PostgreSQL of one service: `<SERVICE>_DATABASE_URL`, else what `otherwise` puts together, else `DATABASE_URL`. */
export function databaseConfig<S extends string>(service: S, otherwise?: Source): DatabaseShape<S> {
  const sources = otherwise === undefined ? ['DATABASE_URL'] : [otherwise, 'DATABASE_URL'];
  return {
    [`${service}_DATABASE_URL`]: databaseUrl('PostgreSQL of this service').meta({ sources }),
    DATABASE_URL,
    DATABASE_POOL_SIZE,
  } as DatabaseShape<S>;
}
