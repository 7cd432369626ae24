import { startCluster } from '@puerta/testing';
import { tellTheStoryOn } from './support/story';

tellTheStoryOn(startCluster);
