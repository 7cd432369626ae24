import { runMigrate } from '../src';
import { sample } from './sample';

void runMigrate(sample);
