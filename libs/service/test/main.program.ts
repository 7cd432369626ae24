import { runService } from '../src';
import { sample } from './sample';

void runService(sample);
