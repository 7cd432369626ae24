import { seePhotos } from '../support/photos';
import { single } from '../support/shared-puerta';

seePhotos(() => single.start());
