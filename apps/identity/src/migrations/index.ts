import { inboxAnswersMigration, inboxMigration, outboxMigration, outboxNotifyMigration } from '@puerta/database';
import { Initial1795219200000 } from './1795219200000-initial';
import { ToldChanges1795305600001 } from './1795305600001-told-changes';
import { Activity1795305600002 } from './1795305600002-activity';
import { CanonicalEmails1795996800001 } from './1795996800001-canonical-emails';
import { InvitationsForAny1795996800002 } from './1795996800002-invitations-for-any';

/** In the order in which they run. */
export const migrations = [
  inboxMigration,
  Initial1795219200000,
  outboxMigration,
  ToldChanges1795305600001,
  Activity1795305600002,
  inboxAnswersMigration,
  outboxNotifyMigration,
  CanonicalEmails1795996800001,
  InvitationsForAny1795996800002,
];
