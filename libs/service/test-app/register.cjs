// Lets plain node run the TypeScript of this workspace, for processes that tests start: `node -r register.cjs app.ts`.
const { readFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { transformSync } = require('@swc/core');

const workspace = dirname(require.resolve('../../../package.json'));

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    cwd: workspace,
    configFile: `${workspace}/.swcrc`,
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
