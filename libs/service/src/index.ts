export { busClientOptions, busOptions, callFields } from './bus';
export { decodeError, errorEncoder } from './errors';
export {
  type AppConfigDefinition,
  EXIT_CONFIG,
  loadOrExit,
  type ProcessOptions,
  runProcess,
  type Running,
  type Runtime,
} from './process';
export { runMigrate } from './run-migrate';
export { runService, startService } from './run-service';
export {
  defineService,
  InjectConfig,
  InjectLogger,
  LOGGER,
  RuntimeModule,
  type ServiceDatabase,
  type ServiceDefinition,
} from './service';
