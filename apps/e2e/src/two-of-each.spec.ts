import { doubled } from './support/shared-puerta';

doubled.describeAll();
