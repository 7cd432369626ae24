import { runService } from '@puerta/service';
import { sample } from './sample';

void runService(sample);
