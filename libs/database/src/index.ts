export { atBoot } from './at-boot';
export { canonicalJson } from './canonical-json';
export { dataSourceOptions } from './data-source-options';
export { DatabaseModule, type DatabaseModuleOptions, type InboxKeys } from './database.module';
export { asDomainError, violates } from './failures';
export { Inbox } from './inbox';
export {
  Inbox1763596800000 as inboxMigration,
  InboxAnswers1795564800000 as inboxAnswersMigration,
} from './inbox.migration';
export { decodeCursor, paginate } from './paginate';
export { runMigrations } from './migrate';
export { outboxState, type OutboxState, publish, publishAll } from './outbox';
export {
  Outbox1795305600000 as outboxMigration,
  OutboxNotify1795996800000 as outboxNotifyMigration,
} from './outbox.migration';
export { OutboxRelay, type WaitingEvent } from './outbox-relay';
export { Pruner } from './pruner';
export { afterCommit, transaction } from './transaction';
