/** What every app is made of, without a database: the gateway has none, and to load TypeORM takes a while. */
export { busClientOptions, busOptions, callFields } from './bus';
export { decodeError } from './errors';
export {
  type AppConfigDefinition,
  EXIT_CONFIG,
  loadOrExit,
  type ProcessOptions,
  runProcess,
  type Running,
  type Runtime,
} from './process';
export { InjectConfig, InjectLogger, LOGGER, RuntimeModule } from './runtime.module';
