import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopwatch } from '@puerta/testing';
import { type ServiceClient } from '../src';
import { type SampleContract } from './sample';

/** What a call may take beyond its time to live: the slack, the sweep, and a busy machine. */
export const SLACK_MS = 700;

export interface Outcome {
  readonly key: string;
  readonly code: string;
  /** By the stopwatch, for upper bounds. */
  readonly ms: number;
  /** By the clock, for lower bounds. */
  readonly waited: number;
  readonly at: number;
}

export type Sample = ServiceClient<SampleContract>;

/** Asks once; never rejects. */
export async function ask(sample: Sample, key: string, wait_ms = 0, ttlMs = 10_000): Promise<Outcome> {
  const [at, elapsed] = [performance.now(), stopwatch()];
  const code = await sample.request('work.do', { key, wait_ms }, { ttlMs }).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
  return { key, code, ms: elapsed(), waited: performance.now() - at, at };
}

/** Asks all the time, `width` calls at once, until told to stop. */
export function load(sample: Sample, width: number, wait_ms: number, ttlMs: number): { stop(): Promise<Outcome[]> } {
  const outcomes: Outcome[] = [];
  let on = true;
  const name = randomUUID();
  const lanes = Array.from({ length: width }, async (_, lane) => {
    for (let i = 0; on; i += 1) {
      const outcome = await ask(sample, `${name}-${lane}-${i}`, wait_ms, ttlMs);
      outcomes.push(outcome);
      if (outcome.code !== 'ok') await sleep(50);
    }
  });
  return {
    stop: async () => {
      on = false;
      await Promise.all(lanes);
      return outcomes;
    },
  };
}

/** The different ways in which calls ended. */
export function codes(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.map(({ code }) => code))].sort();
}

export function slowest(outcomes: readonly Outcome[]): number {
  return Math.max(...outcomes.map(({ ms }) => ms));
}

/** @param runs message id → how often it was run */
export function neverTwice(runs: ReadonlyMap<string, number>): void {
  expect([...runs.values()].filter((times) => times > 1)).toEqual([]);
}
