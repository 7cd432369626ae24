// @ts-check
/** The code as it was built. The documentation is made from what runs, not from what the sources look like. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { WORKSPACE } from '../launcher/workspace.mjs';

const require = createRequire(import.meta.url);

/**
 * @param {string} path in `dist/`, without its ending
 * @returns {any} its exports
 */
export function built(path) {
  const file = join(WORKSPACE, 'dist', `${path}.js`);
  if (!existsSync(file)) throw new Error(`dist/${path}.js is missing; run "npm run build"`);
  return require(file);
}

/** @returns {{ app: string, shape: object }[]} what each app reads from its environment */
export function configurations() {
  return [
    built('apps/gateway/src/config').gatewayConfig,
    built('apps/identity/src/config').identityConfig,
    built('apps/token-service/src/config').tokenServiceConfig,
    built('apps/card-issuer/src/config').cardIssuerConfig,
  ];
}
