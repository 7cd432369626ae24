const MAX_DEPTH = 32;

/**
 * Parses what another process wrote.
 *
 * @returns the object, or undefined when the text is not JSON, not an object, nested deeper than any message of ours, or
 *   has keys that turn into prototypes when they are copied
 */
export function parseObject(text: string): object | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
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
