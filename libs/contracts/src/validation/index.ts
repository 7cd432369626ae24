export * from './fields';
export * from './json';
export { changesOf } from './rules';
export * from './text';
export * from './validate';
