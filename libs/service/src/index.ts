export { actorOf, type Call } from './call';
export { errorEncoder } from './error-encoder';
export { runMigrate } from './run-migrate';
export { runService, startService } from './run-service';
export * from './runtime';
export { defineService, type ServiceDatabase, type ServiceDefinition } from './service';
