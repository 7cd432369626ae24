const MAX_DEPTH = 32;

/**
 * Judges what another process wrote.
 *
 * @returns the value if it is an object that is nested no deeper than any message of ours, and has no keys that turn into
 *   prototypes when they are copied; else undefined
 */
export function harmlessObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isHarmless(value, 0)
    ? value
    : undefined;
}

function isHarmless(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === MAX_DEPTH) return false;
  return Object.keys(value).every((key) => {
    const child = (value as Record<string, unknown>)[key];
    return key !== '__proto__' && (key !== 'constructor' || typeof child !== 'object') && isHarmless(child, depth + 1);
  });
}
