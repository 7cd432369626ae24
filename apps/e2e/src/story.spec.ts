import { tellTheStory } from './support/story';

tellTheStory();
