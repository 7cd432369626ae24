import { RedisClock } from '../connection/clock';
import { type Connection } from '../connection/connection';
import { type Keys } from '../wire/keys';
import { HEARTBEAT } from '../wire/scripts';

const BEAT_MS = 500;
const BEAT_ANSWER_MS = 1_000;

/** After so long without a heartbeat a replica counts as dead, and others may claim its messages. */
export const LEASE_MS = 5_000;

/** Who was not heard for so long, by Redis' clock or his own, cannot tell who else is alive. */
export const GAP_MS = 2_000;

/** A heartbeat younger than this shows a replica that takes messages. */
export const PRESENCE_MS = 1_500;

/**
 * A replica's claim to be alive, renewed twice a second. Callers see by it whether anybody is there (presence); other
 * replicas, whether its messages are theirs to take (lease).
 */
export class Lease {
  readonly clock = new RedisClock();
  private timer: NodeJS.Timeout | undefined;
  private beating = false;
  private taking = true;
  private lastBeat = -Infinity;
  private unbrokenSince = Infinity;
  private reconnected = true;

  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
    private readonly callee: string,
    private readonly replica: string,
  ) {
    connection.beforeUse(() => {
      this.clock.distrust();
      this.reconnected = true;
      return this.beat();
    });
  }

  start(): void {
    this.timer = setInterval(() => {
      if (this.connection.ready && !this.beating) this.beat().catch(() => undefined);
    }, BEAT_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Takes no more messages, but keeps those it has. */
  async withdraw(): Promise<void> {
    this.taking = false;
    if (this.connection.ready) await this.beat().catch(() => undefined);
  }

  /** Whether others may have claimed this replica's messages: it has not been heard for as long as a lease lasts. */
  get lost(): boolean {
    return performance.now() - this.lastBeat > LEASE_MS;
  }

  get present(): boolean {
    return this.taking && performance.now() - this.lastBeat < PRESENCE_MS;
  }

  /**
   * Whether this replica may judge that others are dead. Not before it has itself been heard for a whole lease without a
   * gap: when Redis was away, frozen or emptied, everybody's heartbeats are old or gone, and the living need time to
   * renew theirs. So they do when another Redis took over, or its clock was set: heartbeats written by the old time look
   * old by the new one, and a replica knows it by its own, which looks as old.
   */
  get mayJudge(): boolean {
    const now = performance.now();
    return now - this.lastBeat < PRESENCE_MS && now - this.unbrokenSince > LEASE_MS;
  }

  private async beat(): Promise<void> {
    this.beating = true;
    const asked = performance.now();
    try {
      const keys = [this.keys.leases(this.callee), this.keys.replicas(this.callee)];
      const beat = this.connection.run(HEARTBEAT, keys, [this.replica, this.taking ? 1 : 0, GAP_MS]);
      const [redisMs, unheard] = (await this.connection.within(BEAT_ANSWER_MS, beat)) as [number, number];
      const answered = performance.now();
      this.clock.sync(redisMs, asked, answered);
      if (unheard || this.reconnected || answered - this.lastBeat > GAP_MS) this.unbrokenSince = answered;
      this.reconnected = false;
      this.lastBeat = answered;
    } finally {
      this.beating = false;
    }
  }
}
