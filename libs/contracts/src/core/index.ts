export * from './actor';
export * from './card';
export * from './contract';
export * from './errors';
export * from './page';
export * from './roles';
