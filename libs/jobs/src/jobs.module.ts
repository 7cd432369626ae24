import { Module } from '@nestjs/common';
import { type Logger, Metrics } from '@puerta/observability';
import { LOGGER } from '@puerta/service';
import { DataSource } from 'typeorm';
import { Jobs } from './jobs';

/** Provides `Jobs` to the module that imports it; the service's migrations must include `jobsMigration`. */
@Module({
  providers: [
    {
      provide: Jobs,
      inject: [DataSource, LOGGER, Metrics],
      useFactory: (dataSource: DataSource, logger: Logger, metrics: Metrics) => new Jobs(dataSource, logger, metrics),
    },
  ],
  exports: [Jobs],
})
export class JobsModule {}
