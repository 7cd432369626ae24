import { type Connection } from '../connection/connection';
import { type BusServerOptions } from '../options';
import { type Keys } from '../wire/keys';
import { type Source } from './entry';

/** What the parts of one replica share. */
export interface Replica extends BusServerOptions {
  readonly id: string;
  /** The service, and so the group of its replicas. */
  readonly callee: string;
  readonly keys: Keys;
  readonly sources: readonly Source[];
  /** Never blocks, and keeps the clock by which messages are aged. */
  readonly commands: Connection;
}
