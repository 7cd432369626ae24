import { runMigrate } from '@puerta/service';
import { cardIssuer } from './card-issuer';

void runMigrate(cardIssuer);
