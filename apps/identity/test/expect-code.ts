import type { ErrorCode } from '@puerta/contracts';

/** Asserts with which code a question is refused. */
export async function expectCode(answer: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(answer.then(() => 'no error')).rejects.toMatchObject({ code });
}

/** How often each outcome came: `ok`, or the code of the error. */
export async function tally(answers: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(answers)) {
    const outcome = result.status === 'fulfilled' ? 'ok' : String((result.reason as { code?: unknown }).code);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_none, index) => make(index));
