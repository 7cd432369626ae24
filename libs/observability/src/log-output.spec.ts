import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogOutput } from './log-output';
import { createLogger } from './logger';

describe('the output of the log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'puerta-log-'));
  const file = join(folder, 'log');
  const lines = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const logger = () => createLogger({ name: 'sample', pretty: false, destination: new LogOutput(openSync(file, 'w')) });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes lines together, a moment later, by itself', async () => {
    const log = logger();
    log.info('one');
    log.info('two');
    expect(lines()).toEqual([]);
    await sleep(200);
    expect(lines()).toEqual([expect.stringContaining('"one"'), expect.stringContaining('"two"')]);
  });

  it('writes a warning at once, after what came before it', () => {
    const log = logger();
    log.info('one');
    log.warn('two');
    expect(lines()).toEqual([expect.stringContaining('"one"'), expect.stringContaining('"two"')]);
  });

  it('does not wait when there is much to write', () => {
    const log = logger();
    for (let i = 0; i < 1_000; i += 1) log.info('a line of some length');
    expect(lines().length).toBeGreaterThan(800);
  });

  it.each([
    ['ends', ''],
    ['is told to exit', 'process.exit(3);'],
    ['fails', 'throw new Error();'],
  ])('loses nothing when the process %s', (_how, end) => {
    const code = `const { createLogger } = require(${JSON.stringify(join(__dirname, 'logger.ts'))});
      const log = createLogger({ name: 'sample', pretty: false });
      for (let i = 0; i < 5_000; i += 1) log.info('line');
      ${end}`;
    const { stdout } = spawnSync(process.execPath, ['--require', 'esbuild-register', '-e', code], {
      encoding: 'utf8',
      maxBuffer: 1e8,
    });
    expect(stdout.split('\n').filter((line) => line.includes('"line"'))).toHaveLength(5_000);
  });

  it('keeps no process from ending when nobody reads it any more', async () => {
    const code = `const { createLogger } = require(${JSON.stringify(join(__dirname, 'logger.ts'))});
      const log = createLogger({ name: 'sample', pretty: false });
      log.info('begun');
      process.stdin.on('end', () => { log.warn('nobody reads this'); process.exit(7); }).resume();`;
    const child = spawn(process.execPath, ['--require', 'esbuild-register', '-e', code], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});
