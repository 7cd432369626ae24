export * from './fields';
export * from './json';
export * from './page';
export { changesOf } from './rules';
export * from './text';
export * from './validate';
