import { Module, type DynamicModule, type INestMicroservice, type Type } from '@nestjs/common';
import type { ConfigOf } from '@puerta/config';
import { followedBy } from '@puerta/contracts/core';
import { DatabaseModule, type DatabaseModuleOptions, type InboxKeys } from '@puerta/database';
import { BusModule, InvalidationModule, Sealer, type ServiceContract } from '@puerta/messaging';
import type { ReadinessChecks } from '@puerta/observability';
import { busClientOptions, busOptions } from './bus';
import { OutboxModule } from './outbox';
import type { AppConfigDefinition, Runtime } from './process';
import { RuntimeModule } from './runtime.module';

/** The database of a service: what differs between services. */
export type ServiceDatabase = Omit<DatabaseModuleOptions, 'applicationName' | 'onPoolError' | 'inbox'> &
  Partial<Pick<InboxKeys, 'fingerprintKey'>>;

/** A service behind the bus: what it answers, reads, stores, asks, and the module that does it. */
export interface ServiceDefinition<D extends AppConfigDefinition = AppConfigDefinition> {
  readonly contract: ServiceContract;
  readonly config: D;
  /** Without it there is none, and neither inbox nor outbox. */
  readonly database?: (config: ConfigOf<D>) => ServiceDatabase;
  /** Services that this one asks. */
  readonly calls?: readonly ServiceContract[];
  readonly module: (config: ConfigOf<D>) => Type | DynamicModule;
  /** What it needs to be ready besides the bus and the database. */
  readonly checks?: (app: INestMicroservice) => ReadinessChecks;
}

/** One that has a database. */
export type StoringService<D extends AppConfigDefinition = AppConfigDefinition> = ServiceDefinition<D> &
  Required<Pick<ServiceDefinition<D>, 'database'>>;

/** Puts a service's parts together with their types; `runService` takes the result, and `runMigrate` one with a database. */
export function defineService<const D extends AppConfigDefinition>(definition: StoringService<D>): StoringService<D>;
export function defineService<const D extends AppConfigDefinition>(
  definition: ServiceDefinition<D>,
): ServiceDefinition<D>;
export function defineService(definition: ServiceDefinition): ServiceDefinition {
  return definition;
}

/** The root of a service's application. */
@Module({})
export class ServiceModule {
  static of<D extends AppConfigDefinition>(definition: ServiceDefinition<D>, runtime: Runtime<D>): DynamicModule {
    const { config, name } = runtime;
    return {
      module: ServiceModule,
      imports: [
        RuntimeModule.forRoot(runtime),
        ...(definition.database ? [databaseModule(definition.database(config), runtime)] : []),
        BusModule.forRoot({ ...busClientOptions(runtime), calls: definition.calls ?? [] }),
        InvalidationModule.forRoot({ ...busOptions(runtime), reader: name, services: followedBy(name) }),
        ...(definition.database ? [OutboxModule.forRoot(definition.contract.name, runtime)] : []),
        definition.module(config),
      ],
    };
  }
}

function databaseModule({ fingerprintKey, ...own }: ServiceDatabase, { logger, config, name }: Runtime): DynamicModule {
  return DatabaseModule.forRoot({
    ...own,
    ...(fingerprintKey && { inbox: { fingerprintKey, sealer: new Sealer(config.BUS_SECRET) } }),
    applicationName: `puerta-${name}`,
    onPoolError: (error: Error) => logger.warn('an idle connection to PostgreSQL broke', { error }),
  });
}
