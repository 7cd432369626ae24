/**
 * @returns what `promise` gives, if it settles in time
 * @throws what it rejects with, or `late()` when the time is over; a later outcome is nobody's any more
 */
export function within<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
