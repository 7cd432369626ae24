import { rm } from 'node:fs/promises';
import { freePort } from '../../../tools/embedded/process.mjs';
import { startPostgres as start } from '../../../tools/embedded/postgres.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';

/** A PostgreSQL for one suite that does to it what must not be done to the shared one. Address and data stay over restarts. */
export interface TestPostgres {
  /** The superuser's URL. */
  readonly url: string;
  /** Orderly shutdown. */
  stop(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** What was committed is there again. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const folder = temporaryFolder('postgres');
  const port = await freePort();
  let server = await start({ folder, port });
  return {
    url: server.url,
    stop: () => server.stop(),
    kill: () => server.kill(),
    start: async () => {
      server = await start({ folder, port });
    },
    close: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
