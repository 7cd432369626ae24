import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const built = join(__dirname, '../../dist/bundles');

describe('a bundle', () => {
  it('keeps what V8 compiled, and V8 takes it', () => {
    const script = `
      const { Script } = require('node:vm');
      const read = (name, encoding) => require('node:fs').readFileSync(process.argv[1] + name, encoding);
      process.exit(new Script(read('/app.bundle.js', 'latin1'), { cachedData: read('/app.cache') }).cachedDataRejected ? 1 : 0);`;
    for (const app of ['gateway', 'identity', 'token-service', 'card-issuer']) {
      execFileSync(process.execPath, ['-e', script, join(built, app)]);
    }
  });

  it('is all ASCII, and has each library once', () => {
    for (const app of ['gateway', 'identity', 'token-service', 'card-issuer']) {
      const code = readFileSync(join(built, app, 'app.bundle.js'), 'latin1');
      expect(/[\x80-\xff]/.test(code)).toBe(false);
      for (const file of [
        'reflect-metadata/Reflect.js',
        'class-validator/cjs/index.js',
        'class-transformer/cjs/storage.js',
      ]) {
        expect([app, file, code.split(`\n// node_modules/${file}\n`).length - 1]).toEqual([app, file, 1]);
      }
      expect(code).not.toMatch(
        /\n\/\/ node_modules\/.*\/node_modules\/(?:@nestjs|class-|reflect-metadata|rxjs|typeorm)/,
      );
    }
  });

  it('shows stacks in the files that were written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'puerta-bundle-'));
    try {
      writeFileSync(
        join(folder, 'thrower.ts'),
        'interface Gone { here: 1 }\n\nexport function thrower(): Gone {\n  throw new Error("on purpose");\n}\n',
      );
      buildSync({
        stdin: { contents: "import { thrower } from './thrower'; thrower();", resolveDir: folder },
        bundle: true,
        platform: 'node',
        outfile: join(folder, 'app.bundle.js'),
        sourcemap: 'linked',
        banner: { js: '(function () {' },
        footer: { js: '})' },
      });
      cpSync(join(__dirname, 'app.cjs'), join(folder, 'app.js'));
      const run = () => execFileSync(process.execPath, [join(folder, 'app.js')], { stdio: 'pipe' });
      expect(run).toThrow(`Error: on purpose\n    at thrower (${join(folder, 'thrower.ts')}:4:9)\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
