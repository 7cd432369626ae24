import { startSentinel } from '@puerta/testing';
import { tellTheStoryOn } from './support/story';

tellTheStoryOn(startSentinel);
