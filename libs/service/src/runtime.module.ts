import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { Metrics } from '@puerta/observability';
import type { Runtime } from './process';

const CONFIG = Symbol('config');
/** What `InjectLogger` injects, for factories. */
export const LOGGER = Symbol('logger');

/** Injects the configuration that the app read at boot (`ConfigOf<typeof identityConfig>`). */
export const InjectConfig = (): ParameterDecorator & PropertyDecorator => Inject(CONFIG);

/** Injects the `Logger` of the process. */
export const InjectLogger = (): ParameterDecorator & PropertyDecorator => Inject(LOGGER);

/** Configuration, log and metrics of the process, for the whole application. */
@Module({})
export class RuntimeModule {
  static forRoot({ config, logger, metrics }: Pick<Runtime, 'config' | 'logger' | 'metrics'>): DynamicModule {
    return {
      module: RuntimeModule,
      global: true,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        { provide: Metrics, useValue: metrics },
      ],
      exports: [CONFIG, LOGGER, Metrics],
    };
  }
}
