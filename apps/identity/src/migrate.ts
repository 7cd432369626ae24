import { runMigrate } from '@puerta/service';
import { identity } from './identity';

void runMigrate(identity);
