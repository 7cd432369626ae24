/** What the bus itself answers; a service adds codes of its own. */
export type BusErrorCode =
  /** Never taken by a replica: nothing happened. */
  | 'service_unavailable'
  /** May have happened; no reply came in time. Asking again is safe with the same idempotency key. */
  | 'outcome_unknown'
  /** The callee's stream is full: nothing happened. */
  | 'overloaded'
  | 'message_too_large'
  | 'forbidden_caller'
  | 'unknown_pattern'
  | 'validation_failed'
  /** The callee failed in a way it did not foresee; only its log says how. */
  | 'internal';

/** An error as it travels. */
export interface WireError {
  readonly code: string;
  readonly [extra: string]: unknown;
}

/** What a call rejects with when no `decodeError` is given. */
export class BusError extends Error {
  override readonly name = 'BusError';
  readonly code: string;

  constructor(
    readonly wire: WireError,
    options?: ErrorOptions,
  ) {
    super(wire.code, options);
    this.code = wire.code;
  }

  static of(code: BusErrorCode, cause?: unknown): BusError {
    return new BusError({ code }, cause === undefined ? undefined : { cause });
  }
}

export function isWireError(value: unknown): value is WireError {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string';
}
