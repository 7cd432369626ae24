import { single } from './support/shared-puerta';

single.describeAll();
