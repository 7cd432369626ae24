const MAX_DEPTH = 32;

/**
 * Judges what another process wrote.
 *
 * @returns the value if it is an object that is nested no deeper than any message of ours, and has no keys that turn into
 *   prototypes when they are copied; else undefined
 */
export function harmlessObject(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isHarmless(value, 0) ? value : undefined;
}

function isHarmless(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isHarmless(item, depth + 1)) return false;
    return true;
  }
  for (const key of Object.keys(value)) {
    const child = (value as Record<string, unknown>)[key];
    if (key === '__proto__' || (key === 'constructor' && typeof child === 'object')) return false;
    if (!isHarmless(child, depth + 1)) return false;
  }
  return true;
}
