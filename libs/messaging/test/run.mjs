// Lets plain node run the TypeScript of this library, for replicas that are processes of their own: `node run.mjs replica.ts`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const workspace = fileURLToPath(new URL('../../../', import.meta.url));
const require = createRequire(import.meta.url);

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, cwd: workspace, configFile: `${workspace}.swcrc`, sourceMaps: 'inline' };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

// Not longer than the test that started it, however that ends.
process.on('disconnect', () => process.exit());
require(`./${process.argv[2]}`);
