import { startSentinel } from '@puerta/testing';
import { tellTheStory } from './support/story';

tellTheStory(startSentinel);
