export * from './activity';
export * from './actor';
export * from './card';
export * from './contract';
export * from './errors';
export * from './events';
export * from './page';
export * from './roles';
