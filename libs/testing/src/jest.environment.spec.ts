import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify, stillRuns } from '../../../tools/embedded/process.mjs';
import { waitFor } from './wait';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'puerta-spec-')))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Says who runs it, by the name of a file, and does not end. */
const ENDLESS = `
  require('node:fs').writeFileSync(__dirname + '/pids/' + process.pid, '');
  it('does not end', () => new Promise(() => setInterval(() => {}, 1_000)), 60_000);
`;

it('lets no worker outlive Jest', async () => {
  mkdirSync(join(folder, 'pids'));
  for (const name of ['one', 'two']) writeFileSync(join(folder, `${name}.spec.js`), ENDLESS);
  const [testEnvironment, runtime] = ['environment', 'runtime'].map((name) => join(__dirname, `jest.${name}.mjs`));
  const config = JSON.stringify({ rootDir: folder, testEnvironment, runtime, transform: {}, watchman: false });
  const jest = join(__dirname, '../../../node_modules/jest/bin/jest.js');
  const child = spawn(process.execPath, [jest, '--config', config, '--maxWorkers=2'], { stdio: 'ignore', cwd: folder });
  await waitFor(() => readdirSync(join(folder, 'pids')).length === 2, 20_000);
  const workers = readdirSync(join(folder, 'pids')).map((pid) => ({
    pid: Number(pid),
    identity: identify(Number(pid)),
  }));
  expect(workers.map(({ pid }) => pid)).not.toContain(child.pid);
  expect(workers.filter(stillRuns)).toHaveLength(2);
  child.kill('SIGTERM');
  await once(child, 'exit');
  try {
    await waitFor(() => !workers.some(stillRuns), 5_000);
  } finally {
    for (const worker of workers.filter(stillRuns)) process.kill(worker.pid, 'SIGKILL');
  }
});
