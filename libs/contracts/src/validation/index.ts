export * from './fields';
export * from './json';
export * from './text';
export * from './validate';
