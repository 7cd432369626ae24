import { runService } from '@puerta/service';
import { tokenService } from './token-service';

void runService(tokenService);
