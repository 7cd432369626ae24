import { inboxMigration } from '@puerta/database';
import { Initial1795219200000 } from './1795219200000-initial';

/** In the order in which they run. */
export const migrations = [inboxMigration, Initial1795219200000];
