import { runService } from '@puerta/service';
import { identity } from './identity';

void runService(identity);
