import { type Lane } from '../wire/contract';

/** One stream of the lane, and the caller it belongs to. */
export interface Source {
  readonly stream: string;
  readonly caller: string;
  readonly lane: Lane;
}

/** A message given to this replica. It stays ours until `LaneReader.settle`. */
export interface Entry {
  readonly source: Source;
  readonly id: string;
  readonly fields: readonly string[];
  /** How often it was given to a replica, this time included. */
  readonly deliveries: number;
  /** When this replica asked for it, by `performance.now()`. */
  readonly asked: number;
}
