import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { AssertionIssuer, BAD_ASSERTIONS, waitFor } from '@puerta/testing';
import { transformSync } from 'esbuild';
import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '../embedded/process.mjs';

const WORKSPACE = resolve(__dirname, '../..');
const page = readFileSync(join(WORKSPACE, 'docs/behind-the-gateway.md'), 'utf8');

const example = (language: string): string =>
  new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(page)?.[1] ?? '';

function runs(...command: [string, ...string[]]): boolean {
  try {
    execFileSync(command[0], command.slice(1), { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** How to run each, where that is possible here. Go would need its packages. */
const EXAMPLES: [
  language: string,
  can: boolean,
  command: string,
  write: (text: string) => [file: string, text: string],
][] = [
  ['ts', true, process.execPath, (text) => ['service.mjs', transformSync(text, { loader: 'ts', format: 'esm' }).code]],
  ['python', runs('python3', '-c', 'import jwt, cryptography'), 'python3', (text) => ['service.py', text]],
];

describe.each(EXAMPLES)('the example for services behind the gateway in %s', (language, can, command, write) => {
  const described = can ? it : it.skip;
  const user = { id: randomUUID(), company: randomUUID(), email: 'ana@example.com' };
  let folder: string;
  let gateway: AssertionIssuer;
  let service: ChildProcess;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-spec-'));
    gateway = await AssertionIssuer.start();
    if (!can) return;
    symlinkSync(join(WORKSPACE, 'node_modules'), join(folder, 'node_modules'));
    const [file, text] = write(example(language));
    writeFileSync(join(folder, file), text);
    const port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    const env = { PORT: String(port), PUBLIC_URL: gateway.issuer, KEYS_URL: gateway.url };
    service = spawn(command, [join(folder, file)], { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' });
    await waitFor(
      () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      20_000,
    );
  });

  afterAll(() => {
    service?.kill('SIGKILL');
    gateway.stop();
    rmSync(folder, { recursive: true });
  });

  const ask = (assertion: string): Promise<Response> => fetch(url, { headers: { 'X-Puerta-Assertion': assertion } });

  described('knows who asks', async () => {
    const answer = await ask(gateway.sign(user, 'reports'));
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { user: user.id, company: user.company, roles: ['issuer'] },
    ]);
  });

  described.each(BAD_ASSERTIONS)('refuses %s', async (_, make) => {
    expect((await ask(make(gateway, user, 'reports'))).status).toBe(401);
  });
});
