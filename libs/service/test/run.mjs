// Runs the TypeScript of this workspace with plain node, for processes that tests start: `node run.mjs ./main.ts`.
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const workspace = fileURLToPath(new URL('../../../', import.meta.url));

Module._extensions['.ts'] = (module, filename) => {
  const options = { filename, cwd: workspace, configFile: `${workspace}.swcrc`, sourceMaps: 'inline' };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

createRequire(import.meta.url)(process.argv[2]);
