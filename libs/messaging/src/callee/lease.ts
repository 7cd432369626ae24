import { PRESENCE_MS } from '../wire/keys';
import { HEARTBEAT } from '../wire/scripts';
import { type Replica } from './replica';

const BEAT_MS = 500;
/** A replica that had nothing to do for so long sends every other heartbeat. */
const BUSY_MS = 5_000;
/** How often each stream is looked at for messages to take over, however sound all leases are. */
const LOOK_MS = 3_000;

/** After so long without a heartbeat a replica counts as dead, and others may claim its messages. */
export const LEASE_MS = 5_000;

/** A replica that was not heard for so long, by Redis' clock or its own, cannot tell which others are alive. */
export const GAP_MS = 2_000;

/**
 * A replica's claim to be alive, renewed twice a second, or once when it is idle. Callers see by it whether anybody is there
 * (presence); other replicas, whether its messages are theirs to take (lease).
 */
export class Lease {
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;
  private taking = true;
  /** When the last heartbeat that was answered had been sent: it may have been written any time after. */
  private lastBeat = -Infinity;
  /** Since when there was no gap between heartbeats that others could have noticed. */
  private unbrokenSince = Infinity;
  private reconnected = true;
  private lastLook = -Infinity;
  private lastWork = -Infinity;

  /**
   * @param held how many messages this replica holds
   * @param onTakeover there may be messages to take over, or to fetch again
   */
  constructor(
    private readonly replica: Replica,
    private readonly held: () => number,
    private readonly onTakeover: () => void,
  ) {
    replica.commands.beforeUse(() => {
      this.reconnected = true;
      return this.beat();
    });
  }

  start(): void {
    this.timer = setInterval(() => {
      const now = performance.now();
      const idle = now - this.lastWork > BUSY_MS && now - this.lastBeat < 1.5 * BEAT_MS;
      if (this.replica.commands.ready && !idle) this.renew().catch(() => undefined);
    }, BEAT_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** There is work: a busy process may be late, so its heartbeats come more often. */
  busy(): void {
    this.lastWork = performance.now();
  }

  /** Takes no more messages, but keeps those it has. */
  async withdraw(): Promise<void> {
    this.taking = false;
    if (this.replica.commands.ready) await this.beat().catch(() => undefined);
  }

  /** Sends a heartbeat, unless one is under way, and waits for the answer. */
  renew(): Promise<void> {
    this.renewing ??= this.beat().finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  /**
   * Whether what this replica was given when it asked then must still be its own. If not, others may have claimed it: this
   * process, or all of this machine, may have stood still for longer than a lease.
   */
  heldSince(asked: number): boolean {
    const silent = performance.now() - this.lastBeat > LEASE_MS;
    return !silent && !this.replica.commands.clock.suspended && this.unbrokenSince <= asked;
  }

  get present(): boolean {
    return this.taking && performance.now() - this.lastBeat < PRESENCE_MS;
  }

  /**
   * Whether this replica may claim the messages of replicas whose leases have run out. Only if its own heartbeats were
   * written without a gap for as long as a lease lasts. After Redis was away, frozen or emptied, after a failover, and
   * after Redis' clock was set, the leases of living replicas look old or are missing too; within a lease they renew them.
   */
  get mayJudge(): boolean {
    const now = performance.now();
    return now - this.lastBeat < PRESENCE_MS && now - this.unbrokenSince > LEASE_MS;
  }

  private async beat(): Promise<void> {
    const { callee, commands, id, keys, sources } = this.replica;
    const asked = performance.now();
    const look = asked - this.lastLook > LOOK_MS;
    const places = [keys.leases(callee), keys.replicas(callee), ...(look ? sources.map(({ stream }) => stream) : [])];
    await commands.clock.measure(async () => {
      const args = [id, this.taking ? 1 : 0, GAP_MS, LEASE_MS, callee, this.held()];
      const [redisMs, unheard, takeover] = (await commands.ask(HEARTBEAT, places, args)) as [number, number, number];
      const answered = performance.now();
      if (unheard || this.reconnected || answered - this.lastBeat > GAP_MS) this.unbrokenSince = answered;
      if (takeover) this.onTakeover();
      return redisMs;
    });
    if (look) this.lastLook = asked;
    this.reconnected = false;
    this.lastBeat = asked;
  }
}
