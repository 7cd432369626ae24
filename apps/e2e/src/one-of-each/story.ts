import { single } from '../support/shared-puerta';
import { tellTheStory } from '../support/story';

tellTheStory(() => single.start());
