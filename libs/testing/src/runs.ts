/** What a release is tested with; where nothing is set, as in CI, less than a sixth of it. */
const FULL_RUNS = 20;

/** How often the large suites repeat what chance decides: `PUERTA_TEST_RUNS`, or 3. */
export const RUNS = Number(process.env['PUERTA_TEST_RUNS'] ?? 3);

/**
 * @param full so many of something in 20 runs
 * @returns so many in the runs that were asked for, and one at least
 */
export function scaled(full: number): number {
  return Math.max(1, Math.floor((full * RUNS) / FULL_RUNS));
}
