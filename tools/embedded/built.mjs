// @ts-check
/** The code as it was built: what runs, not what the sources look like. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { APPS } from './services.mjs';

const require = createRequire(import.meta.url);

/**
 * @param {string} path in `dist/`, without its ending
 * @returns {any} its exports
 */
export function built(path) {
  const file = fileURLToPath(new URL(`../../dist/${path}.js`, import.meta.url));
  if (!existsSync(file)) throw new Error(`dist/${path}.js is missing; run "npm run build"`);
  return require(file);
}

/** @returns {any[]} what can be asked over the bus */
export function contracts() {
  return Object.values(built('libs/contracts/src/index').contracts);
}

/** @returns {{ app: string, shape: object }[]} what each app reads from its environment, the gateway first */
export function configurations() {
  const camel = (/** @type {string} */ name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  return [...APPS].reverse().map((app) => built(`apps/${app}/src/config`)[`${camel(app)}Config`]);
}
