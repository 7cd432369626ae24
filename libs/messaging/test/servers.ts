import type { RedisServers } from '@puerta/testing';
import { Bench, eventually } from './harness';
import { ask, codes, type Outcome, type Sample } from './load';

export type Servers = RedisServers;

/** Runs a test in a name space of its own on servers that it may harm. */
export async function inServers(servers: Servers, test: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = new Bench(servers.url());
  try {
    await test(bench);
  } finally {
    await bench.close();
  }
}

/** How a call may end while a primary is replaced. */
const SOUND = ['ok', 'outcome_unknown', 'service_unavailable'];

/** @returns other ways in which calls ended */
export function unfit(outcomes: readonly Outcome[]): string[] {
  return codes(outcomes).filter((code) => !SOUND.includes(code));
}

/** @returns after how many ms calls are answered again */
export async function untilServed(sample: Sample, since: number): Promise<number> {
  await eventually(async () => (await ask(sample, 'probe', 0, 1_000)).code === 'ok', 20_000);
  return performance.now() - since;
}
