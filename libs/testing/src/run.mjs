// @ts-check
// Runs TypeScript of this workspace with plain node, for processes that tests start: `node run.mjs FILE.ts …`. All that it
// needs is put into one file, once in a run of the tests: to transform and load it piece by piece costs a second each time.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

const workspace = fileURLToPath(new URL('../../../', import.meta.url));
const source = resolve(String(process.argv[2]));
/** Of this run of the tests, whose end removes it. */
const folder = process.env['PUERTA_TEST_BUNDLES'];
if (!folder) throw new Error('PUERTA_TEST_BUNDLES is not set: the environment of a process that a test starts has it');
const bundle = join(folder, `${createHash('sha256').update(source).digest('hex')}.js`);

/** @returns {Promise<string>} */
async function bundled() {
  const { build } = await import('esbuild');
  const { transform } = await import('@swc/core');
  const { options, packages } = await import('../../../tools/bundle/options.mjs');
  /** esbuild does not keep the types that decorators ask for. @type {import('esbuild').Plugin} */
  const swc = {
    name: 'swc',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const how = { filename: path, cwd: workspace, configFile: `${workspace}.swcrc`, sourceMaps: 'inline' };
        const { code } = await transform(readFileSync(path, 'utf8'), /** @type {import('@swc/core').Options} */ (how));
        return { contents: code, loader: 'js' };
      }),
  };
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: `require(${JSON.stringify(source)})`, resolveDir: workspace },
    external: [...options.external, 'zxing-wasm'],
    sourcemap: 'inline',
    plugins: [swc, packages],
  });
  return String(outputFiles[0]?.text);
}

if (!existsSync(bundle)) {
  writeFileSync(`${bundle}.${process.pid}`, await bundled());
  renameSync(`${bundle}.${process.pid}`, bundle);
}

// Not longer than the test that forked it, however that ends.
process.on('disconnect', () => process.exit());
const script = new Script(readFileSync(bundle, 'utf8'), { filename: bundle });
script.runInThisContext()(createRequire(source), 'main', source, dirname(source), pathToFileURL(source).href);
