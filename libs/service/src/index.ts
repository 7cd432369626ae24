export { actorOf, type Call } from './call';
export { runMigrate } from './run-migrate';
export { runService, startService } from './run-service';
export * from './runtime';
export { defineService } from './service';
