import { outboxMigration, outboxNotifyMigration } from '@puerta/database';
import { SigningKeys1795219200000 } from './1795219200000-signing-keys';
import { ToldKeys1795305600001 } from './1795305600001-told-keys';
import { KeyStates1795392000000 } from './1795392000000-key-states';
import { AssertionKeys1796083200000 } from './1796083200000-assertion-keys';

/** In the order in which they run. */
export const migrations = [
  SigningKeys1795219200000,
  outboxMigration,
  ToldKeys1795305600001,
  KeyStates1795392000000,
  outboxNotifyMigration,
  AssertionKeys1796083200000,
];
