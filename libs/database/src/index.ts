export { canonicalJson } from './canonical-json';
export { dataSourceOptions, type DatabaseOptions } from './data-source-options';
export { DatabaseModule, type DatabaseModuleOptions } from './database.module';
export { asDomainError, databaseFailure, type DatabaseFailure, isDatabaseUnavailable, violates } from './failures';
export { Inbox, type InboxCall, type Once, type Reference } from './inbox';
export { Inbox1763596800000 as inboxMigration } from './inbox.migration';
export { decodeCursor, encodeCursor, type KeyColumn, type PageRequest, paginate } from './keyset';
export { MigrationError, runMigrations } from './migrate';
export { transaction } from './transaction';
