import { runMigrate } from '@puerta/service';
import { sample } from './sample';

void runMigrate(sample);
