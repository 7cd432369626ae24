/** So many failures one after the other say that an upstream is away. */
const FAILURES = 5;
const SHORTEST_MS = 1_000;
const LONGEST_MS = 30_000;

/** An ordinary request, or the one that tries an upstream which was left alone. */
export type Admission = 'ordinary' | 'probe';
export type BreakerState = 'closed' | 'half_open' | 'open';

/**
 * Keeps requests from an upstream that does not answer: after a few failures in a row it is left alone for a second, then
 * one request tries it (a probe). If that fails too it is left alone for twice as long, up to half a minute. An answer of
 * any status is a success: whether a 500 is a failure only the service knows.
 */
export class CircuitBreaker {
  #failures = 0;
  #openings = 0;
  #openUntil = 0;
  #probing = false;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(private readonly now: () => number = () => performance.now()) {}

  get state(): BreakerState {
    if (this.#openings === 0) return 'closed';
    return this.#probing || this.now() >= this.#openUntil ? 'half_open' : 'open';
  }

  /** How many milliseconds are left until a request is let through, if none is now. */
  get waitMs(): number {
    return Math.max(this.#openUntil - this.now(), SHORTEST_MS);
  }

  /** @returns as what a request is let through, of which the breaker must be told the end; undefined if it is not */
  admit(): Admission | undefined {
    if (this.#openings === 0) return 'ordinary';
    if (this.#probing || this.now() < this.#openUntil) return undefined;
    this.#probing = true;
    return 'probe';
  }

  /** The upstream has begun to answer. */
  succeeded(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#probing = false;
  }

  /** It could not be reached, broke off before it answered, or said nothing in time. */
  failed(admission: Admission): void {
    if (admission === 'probe') this.#probing = false;
    // Those that were under way when it opened say nothing new.
    else if (this.#openings > 0 || ++this.#failures < FAILURES) return;
    this.#openUntil = this.now() + Math.min(SHORTEST_MS * 2 ** this.#openings, LONGEST_MS);
    this.#openings += 1;
  }

  /** The client has gone, so nothing is known of the upstream by this request. */
  abandoned(admission: Admission): void {
    if (admission === 'probe') this.#probing = false;
  }
}
