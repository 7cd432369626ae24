import { startSentinel } from '@puerta/testing';
import { tellTheStoryOn } from '../src/support/story';

tellTheStoryOn(startSentinel);
