// @ts-check
// Runs a program of this workspace with plain node, for processes that tests start: `node run.mjs FILE.program.ts …`. All
// programs are put into one file, once in a run of the tests: to transform and load one piece by piece costs a second each time.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Script } from 'node:vm';

const workspace = fileURLToPath(new URL('../../../', import.meta.url));
const source = resolve(String(process.argv[2]));
/** Of this run of the tests, whose end removes it. */
const folder = process.env['PUERTA_TEST_BUNDLES'];
if (!folder) throw new Error('PUERTA_TEST_BUNDLES is not set: the environment of a process that a test starts has it');
const bundle = join(folder, 'programs.js');
/** What V8 has compiled of it, so that the next process need not. */
const cache = join(folder, 'programs.cache');

/** On two busy cores it takes five seconds. */
const BUILT_MS = 60_000;

/** @returns {string[]} the files of all programs */
function programs() {
  const folders = readdirSync(join(workspace, 'libs')).map((name) => join(workspace, 'libs', name, 'test'));
  const files = folders
    .filter((test) => existsSync(test))
    .flatMap((test) => readdirSync(test).map((name) => join(test, name)));
  return files.filter((file) => file.endsWith('.program.ts'));
}

/** @returns {Promise<string>} a function that runs the program that it is told */
async function bundled() {
  const { build } = await import('esbuild');
  const { transform } = await import('@swc/core');
  const { options, packages } = await import('../../../tools/bundle/options.mjs');
  /** esbuild does not keep the types that decorators ask for. @type {import('esbuild').Plugin} */
  const swc = {
    name: 'swc',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const how = { filename: path, cwd: workspace, configFile: `${workspace}.swcrc`, sourceMaps: false };
        const { code } = await transform(readFileSync(path, 'utf8'), /** @type {import('@swc/core').Options} */ (how));
        return { contents: code, loader: 'js' };
      }),
  };
  const cases = programs().map((file) => `case ${JSON.stringify(file)}: require(${JSON.stringify(file)}); break;`);
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: `switch (entry) { ${cases.join('\n')} }`, resolveDir: workspace },
    external: [...options.external, 'zxing-wasm'],
    plugins: [swc, packages],
  });
  return String(outputFiles[0]?.text);
}

/** Whole or not at all: others may read it meanwhile. @param {string} file @param {string | Buffer} content */
function write(file, content) {
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
}

/** @returns {boolean} whether it is this process that builds; others wait for it */
function mayBuild() {
  try {
    closeSync(openSync(`${bundle}.lock`, 'wx'));
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

for (const end = Date.now() + BUILT_MS; !existsSync(bundle); await sleep(20)) {
  if (mayBuild()) {
    try {
      write(bundle, await bundled());
    } finally {
      rmSync(`${bundle}.lock`);
    }
  }
  // As when a test has killed whoever was building.
  if (Date.now() > end) throw new Error(`${bundle} was not built in time`);
}

// Not longer than the test that forked it, however that ends.
process.on('disconnect', () => process.exit());
const cachedData = existsSync(cache) ? readFileSync(cache) : undefined;
const script = new Script(readFileSync(bundle, 'utf8'), { filename: bundle, cachedData });
script.runInThisContext()(createRequire(source), source, source, dirname(source), pathToFileURL(source).href);
if (!cachedData) write(cache, script.createCachedData());
