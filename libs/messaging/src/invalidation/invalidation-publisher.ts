import { ANSWER_MS, RedisClock } from '../connection/clock';
import { Connection } from '../connection/connection';
import { Keys, requireName } from '../wire/keys';
import { type BusEvent, type BusLogger, DEFAULTS, nestLogger } from '../options';
import { PUBLISH, PUBLISH_HEARTBEAT } from './invalidation-scripts';


/** How long after its sender has looked a heartbeat may be written. */
export const HEARTBEAT_WITHIN_MS = 100;

export interface InvalidationOptions {
  /** A URL of any kind that `redisOptions` reads. */
  readonly redis: string;
  /** Begins the key. Default `bus`. */
  readonly prefix?: string;
  /** The service whose invalidation stream it is. */
  readonly service: string;
  readonly logger?: BusLogger;
  /** Must not throw. */
  readonly onEvent?: (event: BusEvent) => void;
}

/** Something that has happened: what, and to which of the things that others may keep copies of. Ids alone. */
export interface Invalidation {
  readonly type: string;
  readonly data: object;
}

/** Publishes what has changed to the invalidation stream of a service. Each replica of the service has one. */
export class InvalidationPublisher {
  private readonly clock = new RedisClock();
  private readonly connection: Connection;
  private readonly key: string;

  constructor({ redis, prefix = DEFAULTS.prefix, service, logger = nestLogger(), onEvent }: InvalidationOptions) {
    this.key = new Keys(prefix).invalidations(requireName(service));
    const name = 'invalidations';
    this.connection = new Connection({
      ...{ redis, slotKey: this.key, name: `${service}:${name}`, logger },
      onState: (up) => onEvent?.({ type: 'connection', name, up }),
    });
    this.connection.beforeUse(() => {
      this.clock.distrust();
      return this.clock.syncWith(this.connection);
    });
  }

  get ready(): boolean {
    return this.connection.ready;
  }

  /** Starts connecting, and goes on until it succeeds. */
  connect(): void {
    this.connection.connect();
  }

  close(): void {
    this.connection.close();
  }

  /**
   * Writes all events, in this order.
   * @throws when they were not written, or when nobody knows: writing them again does no harm
   */
  async publish(events: readonly Invalidation[]): Promise<void> {
    const args = events.flatMap(({ type, data }) => [type, JSON.stringify(data)]);
    await this.connection.within(ANSWER_MS, this.connection.run(PUBLISH, [this.key], args));
  }

  /**
   * Says that every event is written that there was to write when `holds` looked: unless it does not hold, or looking
   * and writing took too long.
   * @returns whether it was said
   */
  async publishHeartbeat(holds: () => Promise<boolean>): Promise<boolean> {
    await this.clock.syncWith(this.connection);
    // Taken before it looks, at the earliest that Redis' clock may stand at.
    const notAfter = Math.floor(this.clock.earliest() + HEARTBEAT_WITHIN_MS);
    if (!(await holds())) return false;
    return (await this.connection.within(ANSWER_MS, this.connection.run(PUBLISH_HEARTBEAT, [this.key], [notAfter]))) === 1;
  }
}
