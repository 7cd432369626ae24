import { runMigrate } from '@puerta/service';
import { tokenService } from './token-service';

void runMigrate(tokenService);
