import { setTimeout as sleep } from 'node:timers/promises';

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined | void>;

/**
 * Asks again and again until the answer is truthy.
 *
 * @returns that answer
 * @throws after `ms`, with the last failure as cause
 */
export async function waitFor<T>(probe: () => T | Promise<T>, ms = 5_000, every = 25): Promise<Truthy<T>> {
  let cause: unknown;
  for (const end = Date.now() + ms; Date.now() < end; await sleep(every)) {
    try {
      const answer = await probe();
      if (answer) return answer as Truthy<T>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`still not so after ${ms} ms: ${probe.toString().slice(0, 200)}`, { cause });
}
