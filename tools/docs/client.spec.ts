import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const WORKSPACE = resolve(__dirname, '../..');
const run = promisify(execFile);

/** What a client in TypeScript must not be able to say. */
const WRONG = `
import type { components, paths } from './puerta';
type Body<Path extends keyof paths> = paths[Path] extends { post: { requestBody: { content: { 'application/json': infer B } } } } ? B : never;
// @ts-expect-error it is called name
export const card: Body<'/api/v1/cards'> = { holder: { nam: 'Luis' } };
// @ts-expect-error there is no such role
export const invitation: Body<'/api/v1/companies/{company_id}/invitations'> = { email: 'a@b.example', role: 'boss' };
// @ts-expect-error it may be null
export const until: string = ({} as components['schemas']['Card']).valid_until;
// @ts-expect-error a closed list
export const code: components['schemas']['Problem']['code'] = 'oops';
`;

describe('the example of a client in TypeScript', () => {
  let folder: string;
  const node = (script: string, ...args: string[]) =>
    run(process.execPath, [join(WORKSPACE, 'node_modules', script), ...args], { cwd: folder });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'puerta-client-'));
    cpSync(join(WORKSPACE, 'examples/typescript-client'), folder, { recursive: true });
    symlinkSync(join(WORKSPACE, 'node_modules'), join(folder, 'node_modules'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('compiles strictly against the types that are made of docs/openapi.json', async () => {
    await node('openapi-typescript/bin/cli.js', join(WORKSPACE, 'docs/openapi.json'), '--output', 'puerta.ts');
    writeFileSync(join(folder, 'wrong.ts'), WRONG);
    const verdict = node('typescript/bin/tsc').then(
      () => 'compiles',
      (error: { stdout: string }) => error.stdout,
    );
    await expect(verdict).resolves.toBe('compiles');
  });

  it('needs no cast', () => {
    expect(readFileSync(join(folder, 'photo.ts'), 'utf8')).not.toMatch(/ as (?!\{)|\bany\b|@ts-|<any>/);
  });
});
