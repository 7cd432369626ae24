import { inboxAnswersMigration, inboxMigration, outboxMigration, outboxNotifyMigration } from '@puerta/database';
import { jobsMigration } from '@puerta/jobs';
import { Cards1795219200000 } from './1795219200000-cards';
import { CardPhotos1795564800000 } from './1795564800000-card-photos';
import { OrphanFiles1795910400000 } from './1795910400000-orphan-files';
import { SearchRules1796000000000 } from './1796000000000-search-rules';

/** In the order in which they run. */
export const migrations = [
  inboxMigration,
  Cards1795219200000,
  outboxMigration,
  inboxAnswersMigration,
  jobsMigration,
  CardPhotos1795564800000,
  OrphanFiles1795910400000,
  outboxNotifyMigration,
  SearchRules1796000000000,
];
