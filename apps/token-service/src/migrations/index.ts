import { SigningKeys1795219200000 } from './1795219200000-signing-keys';

/** In the order in which they run. */
export const migrations = [SigningKeys1795219200000];
