/** Logs, or whatever else, at most once in so many ms: an outage fails many times a second, and one line says it. */
export function throttled<Args extends unknown[]>(ms: number, act: (...args: Args) => void): (...args: Args) => void {
  let last = -Infinity;
  return (...args) => {
    const now = performance.now();
    if (now - last < ms) return;
    last = now;
    act(...args);
  };
}
