import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(__dirname, '../..');

/** Lints `code` as if it stood at `path`; gives the messages. */
function lint(path: string, code: string): string {
  const eslint = resolve(root, 'node_modules/eslint/bin/eslint.js');
  const config = resolve(__dirname, 'boundaries.config.mjs');
  const args = [eslint, '--no-ignore', '--config', config, '--stdin', '--stdin-filename', resolve(root, path)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, input: code, encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}

describe('the lint that keeps projects apart', () => {
  it.each([
    ['an app that imports an app', 'apps/gateway/src/x.ts', "import '../../identity/src/main';"],
    ['a library that imports an app', 'libs/auth/src/x.ts', "import '../../../apps/gateway/src/main';"],
    ['contracts that import a library', 'libs/contracts/src/x.ts', "import '@puerta/messaging';"],
    ['contracts that import a package of their own choice', 'libs/contracts/src/x.ts', "import 'ioredis';"],
    ['messaging that imports contracts', 'libs/messaging/src/x.ts', "import '@puerta/contracts';"],
    ['storage that imports the database', 'libs/storage/src/x.ts', "import '@puerta/database';"],
    ['a relative path into another library', 'apps/gateway/src/x.ts', "import '../../../libs/auth/src/index';"],
  ])('refuses %s', (_what, path, code) => {
    expect(lint(path, code)).toContain('@nx/enforce-module-boundaries');
  });

  it.each([
    ['verifies tokens by itself', 'apps/gateway/src/x.ts', "import { verify } from 'jsonwebtoken';"],
    ['signs tokens by itself', 'apps/token-service/src/keys/x.ts', "import { JwtService } from '@nestjs/jwt';"],
  ])('refuses code that %s', (_what, path, code) => {
    expect(lint(path, code)).toContain('no-restricted-imports');
  });

  it('lets an app import a library', () => {
    expect(lint('apps/gateway/src/x.ts', "import '@puerta/contracts';")).toBe('');
  });
});
