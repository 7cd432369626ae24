// Lets plain node run the TypeScript of this library, for replicas that are processes of their own: `node run.cjs replica.ts`.
const { readFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { transformSync } = require('@swc/core');

const workspace = resolve(__dirname, '../../..');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, cwd: workspace, configFile: join(workspace, '.swcrc'), sourceMaps: 'inline' };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

require(join(__dirname, process.argv[2]));
