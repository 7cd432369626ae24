import { startCluster } from '@puerta/testing';
import { tellTheStory } from './support/story';

tellTheStory(startCluster);
