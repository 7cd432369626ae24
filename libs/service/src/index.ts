export { actorOf, type Call, memberOf } from './call';
export { runMigrate } from './run-migrate';
export { runService, startService } from './run-service';
export * from './runtime';
export { defineService } from './service';
