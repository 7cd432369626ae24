import { ANSWER_MS, Connection } from '../connection/connection';
import { Keys, requireName } from '../wire/keys';
import { writtenAt } from '../wire/message';
import { type BusOptions } from '../options';
import { HEARTBEAT, PUBLISH, PUBLISH_HEARTBEAT } from './invalidation-scripts';

/** How often a service says how far its invalidations are published. Each time costs one look at its outbox. */
export const HEARTBEAT_MS = 750;

/** A heartbeat that says less than this is not worth sending: no reader could use it for long. */
export const HEARTBEAT_WITHIN_MS = 500;

/** Replicas that send no heartbeats take over when there was none for so long. */
const TAKEOVER_MS = 1_000;

export interface InvalidationOptions extends Omit<BusOptions, 'sealer'> {
  /** The service whose invalidation stream it is. */
  readonly service: string;
}

/** Something that has happened: what, and to which of the things that others may keep copies of. Ids alone. */
export interface Invalidation {
  readonly type: string;
  readonly data: object;
}

/** Publishes what has changed to the invalidation stream of a service. Each replica of the service has one. */
export class InvalidationPublisher {
  private readonly connection: Connection;
  private readonly key: string;
  /** The last heartbeat of this replica, as long as no other sends them. */
  private ours: string | undefined;

  constructor({ redis, prefix, service, logger, onEvent }: InvalidationOptions) {
    this.key = new Keys(prefix).invalidations(requireName(service));
    this.connection = new Connection({ redis, slotKey: this.key, name: `${service}:invalidations`, logger, onEvent });
    this.connection.beforeUse(() => this.connection.syncClock());
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
    await this.connection.ask(PUBLISH, [this.key], args);
  }

  /**
   * Says until when everything is published. One replica of the service does, the one that did so last: the others only
   * look whether it still does.
   * @param look publishes what waits, and gives the age in ms of the oldest change that is not published; 0 if there is none
   * @returns whether it was said, by this replica or another
   */
  async publishHeartbeat(look: () => Promise<number>): Promise<boolean> {
    const { clock } = this.connection;
    if (clock.stale) await this.connection.syncClock();
    if (this.ours === undefined && (await this.othersLead())) return true;
    const asked = performance.now();
    // Taken before it looks, at the earliest that Redis' clock may stand at.
    const now = clock.earliest();
    const behind = await look();
    if (performance.now() - asked + behind > HEARTBEAT_WITHIN_MS || clock.suspended) return false;
    await clock.measure(async () => {
      const reply = await this.connection.ask(PUBLISH_HEARTBEAT, [this.key], [Math.floor(now - behind)]);
      const [id, written] = reply as [string, number];
      this.ours = written === 1 || id === this.ours ? id : undefined;
      return written === 1 ? writtenAt(id) : NaN;
    });
    return true;
  }

  /** Whether another replica sends the heartbeats; if not, this one will. */
  private async othersLead(): Promise<boolean> {
    const newest = this.connection.redis.xrevrange(this.key, '+', '-', 'COUNT', 1);
    const [entry] = await this.connection.within(ANSWER_MS, newest);
    return entry?.[1][3] === HEARTBEAT && this.connection.clock.now() - writtenAt(entry[0]) < TAKEOVER_MS;
  }
}
