// @ts-check
/**
 * Puts what an app is made of into one file, `dist/bundles/APP/app.bundle.js`, from what swc has emitted: to load some
 * 2,000 files one by one is most of what an app's start costs. Beside it go `app.js`, which runs it, the code that V8 has
 * compiled, and the gateway's pages.
 *
 * Usage: node tools/bundle/bundle.mjs APP
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { options, packages } from './options.mjs';

const WORKSPACE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const app = String(process.argv[2]);
const source = join(WORKSPACE, 'dist/apps', app, 'src');
const folder = join(WORKSPACE, 'dist/bundles', app);

/** What an app can be told to do, each a file of its `src`: `node app.js migrate`. */
const ENTRIES = ['main', 'migrate', 'keys', 'routes'];

/** The names of its migrations, as TypeORM finds them. */
const MIGRATIONS = "require('./migrations').migrations.map((Migration) => new Migration().name ?? Migration.name)";

/** EX_CONFIG of sysexits(3): what an app ends with that was told nothing. */
const EXIT_CONFIG = 78;

async function bundle() {
  const files = ENTRIES.filter((name) => existsSync(join(source, `${name}.js`)));
  const entries = files.map((name) => `${name}: () => require('./${name}.js')`);
  entries.push(`migrations: () => console.log(JSON.stringify(${files.includes('migrate') ? MIGRATIONS : '[]'}))`);
  const { outputFiles } = await build({
    stdin: { contents: `({ ${entries.join(', ')} })[entry]();`, resolveDir: source },
    ...options,
    target: 'node20.19',
    outfile: join(folder, 'app.bundle.js'),
    sourcemap: 'linked',
    plugins: [packages],
  });
  for (const { path, text } of outputFiles)
    writeFileSync(path, path.endsWith('.js') ? ascii(withCheapNames(text)) : text);
}

/**
 * V8 holds a text that is all ASCII in half the memory. What esbuild does not escape is in regular expressions.
 *
 * @param {string} code
 */
function ascii(code) {
  return code.replace(/[^\x00-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * What keeps the names would define one for each function that is made, also while a request is served. Nearly all have
 * the right one already.
 *
 * @param {string} code
 */
function withCheapNames(code) {
  const before = 'var __name = (target, value) => __defProp(';
  if (!code.includes(before)) throw new Error('esbuild keeps names in another way; see withCheapNames');
  return code.replace(before, 'var __name = (target, value) => target.name === value ? target : __defProp(');
}

/** Runs the app without any configuration, which loads all of it, and keeps the code that was compiled meanwhile. */
function compile() {
  const env = { PUERTA_WRITE_CODE_CACHE: '1' };
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'app.js')], { env, encoding: 'utf8' });
  if (status !== EXIT_CONFIG) throw new Error(`the bundle does not load:\n${stderr}`);
}

/** Each part of the gateway has its pages in a folder `page` beside its code, which after bundling is one place. */
function copyPages() {
  for (const part of readdirSync(source)) {
    const pages = join(source, part, 'page');
    if (existsSync(pages)) cpSync(pages, join(folder, 'page'), { recursive: true, force: false, errorOnExist: true });
  }
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await bundle();
cpSync(join(WORKSPACE, 'tools/bundle/app.cjs'), join(folder, 'app.js'));
copyPages();
compile();
// By these names the launcher knows, without running the app, that there is nothing to migrate.
const migrations = execFileSync(process.execPath, [join(folder, 'app.js'), 'migrations'], { encoding: 'utf8' });
writeFileSync(join(folder, 'migrations.json'), migrations);
