import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { loadConfig } from '@puerta/config';
import type { Actor } from '@puerta/contracts';
import { dataSourceOptions, runMigrations } from '@puerta/database';
import {
  BusClient,
  type CallOptions,
  type PatternOf,
  type RequestOf,
  type ResponseOf,
  Sealer,
  type ServiceContract,
  ServiceClient,
} from '@puerta/messaging';
import { InternalServer, Metrics, silentLogger } from '@puerta/observability';
import { createDatabase, testRedisUrl } from '@puerta/testing';
import { DataSource } from 'typeorm';
import {
  type App,
  appEnvironment,
  APPS,
  newSecrets,
  OWNERS,
  type Surroundings,
} from '../../../tools/embedded/services.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';
import { decodeError } from '../src/errors';
import type { AppConfigDefinition } from '../src/process';
import { startService } from '../src/run-service';
import type { ServiceDefinition } from '../src/service';

/** A service on a database and a bus of its own, asked as the gateway asks it. */
export interface TestService<C extends ServiceContract> {
  ask<P extends PatternOf<C>>(pattern: P, data: RequestOf<C, P>, options?: CallOptions): Promise<ResponseOf<C, P>>;
  /** What is in a table of it. */
  rows(table: string): Promise<unknown[]>;
  stop(): Promise<void>;
}

/** Starts a service as `npm start` would, and its migrations before, where it has a database. */
export async function startTestService<C extends ServiceContract, D extends AppConfigDefinition>(
  definition: ServiceDefinition<D>,
  contract: C,
): Promise<TestService<C>> {
  const { url, drop } = await createDatabase();
  const filesFolder = temporaryFolder('files');
  const all = <T>(names: readonly App[], value: T) =>
    Object.fromEntries(names.map((name) => [name, value])) as Record<App, T>;
  const surroundings: Surroundings = {
    redisUrls: all(APPS, testRedisUrl()),
    databaseUrls: all(OWNERS, url),
    secrets: newSecrets(),
    publicUrl: 'https://puerta.example.com',
    filesFolder,
  };
  const name = definition.config.app;
  const environment = {
    NODE_ENV: 'test',
    BUS_PREFIX: `t-${randomUUID().slice(0, 8)}`,
    ...appEnvironment(name as App, surroundings),
  };
  const config = loadConfig(definition.config, environment);
  const dataSource =
    definition.database &&
    new DataSource(dataSourceOptions({ ...definition.database(config), applicationName: 'test' }));
  if (dataSource) await runMigrations(await dataSource.initialize());
  const metrics = new Metrics(name);
  const internal = new InternalServer({ service: name, host: '127.0.0.1', port: 0, metrics, logger: silentLogger });
  const running = await startService(definition, { name, config, logger: silentLogger, metrics, internal });
  const {
    REDIS_BUS_URL: redis,
    BUS_PREFIX: prefix,
    BUS_SECRET,
  } = loadConfig(definition.config as AppConfigDefinition, environment);
  const gateway = new BusClient({
    redis,
    prefix,
    sealer: new Sealer(BUS_SECRET),
    logger: silentLogger,
    service: 'gateway',
    decodeError,
  });
  await gateway.connect();
  const client = new ServiceClient(gateway, contract);
  return {
    ask: (pattern, data, options) => client.request(pattern, data, options),
    rows: async (table) => (await dataSource?.query<unknown[]>(`SELECT * FROM ${table}`)) ?? [],
    stop: async () => {
      await running.stop();
      await gateway.close();
      await dataSource?.destroy();
      await drop();
      await rm(filesFolder, { recursive: true, force: true });
    },
  };
}

/** Somebody who owns a company. */
export function testActor(): Actor {
  const [user_id, session_id, company_id] = [randomUUID(), randomUUID(), randomUUID()];
  return { user_id, session_id, email: 'ana@example.com', company_id, role: 'owner' };
}
