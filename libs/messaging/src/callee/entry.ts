import { type Lane } from '../wire/contract';

/** One stream of a callee, and the caller it belongs to. */
export interface Source {
  readonly stream: string;
  readonly caller: string;
  readonly lane: Lane;
}

/** A message given to this replica. It stays ours until it is settled. */
export interface Entry {
  readonly source: Source;
  readonly id: string;
  readonly fields: readonly string[];
  /** How often it was given to a replica, this time included. */
  readonly deliveries: number;
  /** When this replica asked for it, by `performance.now()`. */
  readonly asked: number;
  /** It is off its stream. */
  readonly settle: () => void;
}
