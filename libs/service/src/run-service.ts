import { ActorDto, validateDto } from '@puerta/contracts';
import { BusClient, BusServer, createBusService } from '@puerta/messaging';
import { nestLogger } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { busOptions, callFields } from './bus';
import { errorEncoder } from './error-encoder';
import { type AppConfigDefinition, runProcess, type Running, type Runtime } from './process';
import { type ServiceDefinition, ServiceModule } from './service';

/** Runs a service behind the bus until it is told to end. The whole of an app's `main.ts`. */
export async function runService<D extends AppConfigDefinition>(definition: ServiceDefinition<D>): Promise<void> {
  await runProcess({
    config: definition.config,
    logContext: callFields,
    start: (runtime: Runtime<D>) => startService(definition, runtime),
  });
}

/** Starts the application of a service; for tests too, which bring a runtime of their own. */
export async function startService<D extends AppConfigDefinition>(
  definition: ServiceDefinition<D>,
  runtime: Runtime<D>,
): Promise<Running> {
  const server = new BusServer({
    ...busOptions(runtime),
    contract: definition.contract,
    actorsFrom: ['gateway'],
    actor: ActorDto,
    validate: validateDto,
    encodeError: errorEncoder(runtime.logger),
  });
  runtime.metrics.busStatus(() => server.inspect());
  const app = await createBusService(ServiceModule.of(definition, runtime), server, {
    logger: nestLogger(runtime.logger),
    abortOnError: false,
  });
  try {
    await app.listen();
  } catch (error) {
    // What did connect must not keep the process, or a test, alive.
    await app.close().catch(() => undefined);
    throw error;
  }
  const dataSource = definition.database && app.get(DataSource);
  const client = app.get(BusClient);
  return {
    checks: {
      redis: () => server.ready && client.ready,
      ...(dataSource && { postgres: () => dataSource.query('SELECT 1').then(() => true) }),
      ...definition.checks?.(app),
    },
    // Nest closes the server first (it drains), then the data source and the client.
    stop: () => app.close(),
  };
}
