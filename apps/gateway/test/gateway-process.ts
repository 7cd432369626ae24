import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort, waitFor } from '@puerta/testing';

const BUNDLE = resolve(__dirname, '../../../dist/bundles/gateway/app.js');

/** The built gateway in a process of its own, to see what it takes. Nothing answers on its bus. */
export class GatewayProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly files: string,
    readonly url: string,
  ) {}

  /** @param routes a route file */
  static async start(routes: string, environ: Record<string, string> = {}): Promise<GatewayProcess> {
    const files = mkdtempSync(join(tmpdir(), 'puerta-gateway-'));
    writeFileSync(join(files, 'routes.yaml'), routes);
    const [port, internal] = [await freePort(), await freePort()];
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      PUBLIC_URL: 'https://puerta.example.com',
      HOST: '127.0.0.1',
      PORT: String(port),
      INTERNAL_PORT: String(internal),
      REDIS_URL: process.env['PUERTA_TEST_REDIS_URL'],
      BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
      BUS_PREFIX: `gateway-${randomUUID().slice(0, 8)}`,
      STORAGE_URL: pathToFileURL(files).href,
      GATEWAY_RATE_LIMIT: 'off',
      GATEWAY_LOG_LEVEL: 'error',
      GATEWAY_ROUTES_FILE: join(files, 'routes.yaml'),
      PUERTA_EXIT_WITH_PARENT: '1',
      ...environ,
    };
    const child = spawn(process.execPath, [BUNDLE], { env, stdio: ['pipe', 'inherit', 'inherit'] });
    const gateway = new GatewayProcess(child, files, `http://127.0.0.1:${port}`);
    await waitFor(async () => (await fetch(`${gateway.url}/health`)).ok, 20_000);
    return gateway;
  }

  /** How many bytes of memory it holds. */
  get rss(): number {
    return 1_024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(this.child.pid)]).toString());
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
    await rm(this.files, { recursive: true, force: true });
  }
}
