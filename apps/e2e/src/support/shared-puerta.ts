import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Puerta, type PuertaOptions, shipped, startPuerta } from '@puerta/testing';
import { twoOfEach } from './load';
import { PASS_SECONDS } from './story';

/**
 * An installation that all suites of a folder share: to start one costs more than most of them. They leave it as well as
 * they found it. It runs from what an image will hold, so that no bundle lacks anything.
 */
class SharedPuerta {
  private started?: Promise<Puerta>;
  private workspace?: string;

  constructor(
    private readonly folder: string,
    private readonly options: PuertaOptions,
  ) {}

  /** For the `beforeAll` of a suite; the first one starts it. */
  start(): Promise<Puerta> {
    this.workspace ??= shipped();
    return (this.started ??= startPuerta({ ...this.options, workspace: this.workspace }));
  }

  /** Registers the tests of each file in the folder, under its name, and the end of the installation after them. */
  describeAll(): void {
    afterAll(async () => {
      await (await this.started)?.stop();
      if (this.workspace) rmSync(this.workspace, { recursive: true });
    });
    for (const file of readdirSync(this.folder).sort()) {
      describe(basename(file, '.ts'), () => void jest.requireActual(join(this.folder, file)));
    }
  }
}

/** One replica of each app; logs all there is to log. */
export const single = new SharedPuerta(join(__dirname, '../one-of-each'), {
  env: { TOKEN_SERVICE_SCAN_PASS_SECONDS: String(PASS_SECONDS), LOG_LEVEL: 'debug', GATEWAY_LOG_LEVEL: 'debug' },
});

/** Two replicas of each app. */
export const doubled = new SharedPuerta(join(__dirname, '../two-of-each'), { replicas: twoOfEach });
