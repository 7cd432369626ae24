import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const workspace = join(__dirname, '../..');

it('npm run routes runs the command of the gateway that was built, from where one stands', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(workspace, 'tools/routes.mjs'), ...args], {
      env: { PATH: process.env['PATH'], INIT_CWD: join(workspace, 'examples') },
      encoding: 'utf8',
    });
  expect(run('check', 'routes.yaml')).toMatchObject({
    status: 0,
    stdout: 'routes.yaml is good: 3 routes\n',
    stderr: '',
  });
  expect(run('check', 'bus.mjs')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/^bus\.mjs:\d+:\d+: is no YAML: /),
  });
});
