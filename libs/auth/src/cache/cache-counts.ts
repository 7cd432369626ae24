/** How often a cache was asked, since the process began. */
export interface CacheCounts {
  hits: number;
  misses: number;
}

/** @param found undefined when it was not there */
export function count(counts: CacheCounts, found: unknown): void {
  if (found === undefined) counts.misses += 1;
  else counts.hits += 1;
}
