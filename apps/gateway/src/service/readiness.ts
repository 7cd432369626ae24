import type { InternalServer } from '@puerta/observability';

/** Anybody may ask the public endpoint, as often as they like: the checks behind it run no oftener than this. */
const FRESH_MS = 500;

/** Whether the gateway can serve. What is missing is told to operators alone: the internal server logs and shows it. */
export class Readiness {
  #last: { readonly answer: Promise<boolean>; readonly at: number } | undefined;

  constructor(private readonly internal: Pick<InternalServer, 'notReady'>) {}

  isReady(): Promise<boolean> {
    const now = performance.now();
    if (!this.#last || now - this.#last.at > FRESH_MS) {
      this.#last = { answer: this.internal.notReady().then((missing) => missing.length === 0), at: now };
    }
    return this.#last.answer;
  }
}
