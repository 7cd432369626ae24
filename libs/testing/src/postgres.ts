import { startPostgres as start } from '../../../tools/embedded/postgres.mjs';

/** A PostgreSQL for one suite that does to it what must not be done to the shared one. */
export interface TestPostgres {
  /** The superuser's URL. */
  readonly url: string;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const { url, stop } = await start();
  return { url, stop };
}
