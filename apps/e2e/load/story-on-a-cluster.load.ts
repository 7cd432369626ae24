import { startCluster } from '@puerta/testing';
import { tellTheStoryOn } from '../src/support/story';

tellTheStoryOn(startCluster);
