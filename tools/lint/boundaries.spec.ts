import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

type Case = readonly [what: string, path: string, code: string];

const BOUNDARIES: readonly Case[] = [
  ['an app that imports an app', 'apps/gateway/src/x.ts', "import '../../identity/src/main';"],
  ['a library that imports an app', 'libs/auth/src/x.ts', "import '../../../apps/gateway/src/main';"],
  ['contracts that import a library', 'libs/contracts/src/x.ts', "import '@puerta/messaging';"],
  ['contracts that import a package of their own choice', 'libs/contracts/src/x.ts', "import 'ioredis';"],
  ['messaging that imports contracts', 'libs/messaging/src/x.ts', "import '@puerta/contracts';"],
  ['storage that imports the database', 'libs/storage/src/x.ts', "import '@puerta/database';"],
  ['a relative path into another library', 'apps/gateway/src/x.ts', "import '../../../libs/auth/src/index';"],
];

const ONE_VERIFIER: readonly Case[] = [
  ['verifies tokens by itself', 'apps/gateway/src/x.ts', "import { verify } from 'jsonwebtoken';"],
  ['signs tokens by itself', 'apps/token-service/src/keys/x.ts', "import { JwtService } from '@nestjs/jwt';"],
];

const ALLOWED: Case = ['an app that imports a library', 'apps/gateway/src/x.ts', "import '@puerta/contracts';"];

const found = new Map<Case, string>();

/** All in one process: ESLint takes a second to start. */
beforeAll(() => {
  const cases = [...BOUNDARIES, ...ONE_VERIFIER, ALLOWED];
  const input = JSON.stringify(cases.map(([, path, code]) => [path, code]));
  const { stdout, stderr } = spawnSync(process.execPath, [resolve(__dirname, 'lint-texts.mjs')], {
    input,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  (JSON.parse(stdout) as string[]).forEach((messages, n) => found.set(cases[n] as Case, messages));
});

describe('the lint that keeps projects apart', () => {
  it.each(BOUNDARIES.map((one) => [one[0], one] as const))('refuses %s', (_what, one) => {
    expect(found.get(one)).toContain('@nx/enforce-module-boundaries');
  });

  it.each(ONE_VERIFIER.map((one) => [one[0], one] as const))('refuses code that %s', (_what, one) => {
    expect(found.get(one)).toContain('no-restricted-imports');
  });

  it('lets an app import a library', () => {
    expect(found.get(ALLOWED)).toBe('');
  });
});
