import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { type Connection } from '../connection/connection';
import { DEFAULTS } from '../options';
import { type Lane } from '../wire/contract';
import { RECLAIM } from '../wire/scripts';
import { type Acknowledger } from './acknowledger';
import { type Entry, type Source } from './entry';
import { GAP_MS, type Lease, LEASE_MS } from './lease';
import { type Replica } from './replica';
import { type Runner } from './runner';

/** Long: a read that brings nothing costs Redis and this process alike. What must not wait for its end wakes it. */
const BLOCK_MS = 5_000;
/** How long it waits for a connection before it looks whether it is to stop. */
const READY_MS = 1_000;
/** How much later than that Redis may answer before it counts as frozen. */
const BLOCK_GRACE_MS = 1_500;
/** Of a burst, the other replicas get the rest. */
const MOST_AT_ONCE = 16;
const STALE_MS = 1_000;
const RETRY_MS = 500;

type RawEntry = [id: string, fields: string[], deliveries?: number];

/**
 * Reads the messages of one lane, never more than can run. Everything is asked one after another over one connection;
 * so whatever is pending for this replica and is not in `held` was sent to a connection that is no more, and is lost
 * unless it is fetched again.
 */
export class LaneReader {
  private readonly held = new Map<string, Entry>();
  private readonly waiting: Entry[] = [];
  private readonly sources: readonly Source[];
  private readonly atOnce: number;
  private running = 0;
  private stopping = false;
  private sweepDue = true;
  private loop: Promise<void> = Promise.resolve();
  private slotFreed: () => void = () => undefined;
  private clientId: string | undefined;

  /** @param connection blocks while it waits for messages, so nobody else may use it */
  constructor(
    private readonly replica: Replica,
    private readonly lane: Lane,
    readonly connection: Connection,
    private readonly lease: Lease,
    private readonly acknowledger: Acknowledger,
    private readonly runner: Runner,
  ) {
    this.sources = replica.sources.filter((source) => source.lane === lane);
    this.atOnce = replica.concurrency?.[lane] ?? DEFAULTS.concurrency[lane];
    connection.beforeUse(async () => {
      this.clientId = await connection.redis.client('ID').then(String, () => undefined);
      await this.makeGroups();
      this.sweepDue = true;
    });
  }

  start(): void {
    this.loop = this.readOn();
  }

  /** Reads no more. Messages that wait for a slot are left to others; `runningCount` tells when the others are done. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.slotFreed();
    if (!(await this.unblock())) this.connection.cut();
    await this.loop;
    for (const entry of this.waiting.splice(0)) entry.settle();
  }

  /** Looks for messages to take over before anything else is read. */
  sweepSoon(): void {
    this.sweepDue = true;
    void this.unblock();
  }

  get heldCount(): number {
    return this.held.size;
  }

  get runningCount(): number {
    return this.running;
  }

  /** Ends a read that waits for messages. @returns whether that could be said */
  private async unblock(): Promise<boolean> {
    const { commands } = this.replica;
    if (this.clientId === undefined || !commands.ready) return false;
    const told = commands.within(READY_MS, commands.redis.client('UNBLOCK', this.clientId));
    return told.then(
      () => true,
      () => false,
    );
  }

  private async readOn(): Promise<void> {
    const { commands } = this.replica;
    while (!this.stopping) {
      // Both: replies to what is read over the one go over the other, and aged by the clock that the other keeps.
      if (!(await this.connection.whenReady(READY_MS)) || !(await commands.whenReady(READY_MS))) continue;
      const free = this.atOnce - this.running - this.waiting.length;
      try {
        if (this.acknowledger.full) await sleep(RETRY_MS);
        else if (free <= 0) await this.slot();
        else if (this.sweepDue) await this.sweep(free);
        else await this.read(free);
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  private async read(free: number): Promise<void> {
    const { callee, id } = this.replica;
    // COUNT is per stream. When fewer slots are free than there are streams, some messages may have to wait for one.
    const count = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(free / this.sources.length)));
    const asked = performance.now();
    const { redis } = this.connection;
    redis.stream.cork();
    this.acknowledger.flush(this.connection);
    const read = redis.xreadgroup(
      ...(['GROUP', callee, id, 'COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS'] as const),
      ...this.sources.map(({ stream }) => stream),
      ...this.sources.map(() => '>'),
    );
    redis.stream.uncork();
    const batches = (await this.connection.within(BLOCK_MS + BLOCK_GRACE_MS, read)) as [string, RawEntry[]][] | null;
    if (!batches) return;
    for (const [stream, entries] of batches) {
      const source = this.sources.find((one) => one.stream === stream);
      if (source) for (const entry of entries) this.take(source, entry, asked);
    }
    // Messages whose handlers wait for nothing are acknowledged together with the next read.
    await turn();
  }

  /** Takes over what was lost on the way to this replica, and what dead replicas left. */
  private async sweep(free: number): Promise<void> {
    this.sweepDue = false;
    let room = free;
    for (const source of this.sources) {
      const count = await this.reclaim(source, room);
      room -= count;
      if (count > 0) {
        this.replica.logger.warn('took over messages', { lane: this.lane, count });
        this.replica.onEvent?.({ type: 'reclaimed', lane: this.lane, count });
      }
      // The rest is looked at when there is room again.
      if (room <= 0) return this.sweepSoon();
    }
  }

  private async reclaim(source: Source, room: number): Promise<number> {
    const { callee, commands, id, keys } = this.replica;
    const held = [...this.held.values()].filter((entry) => entry.source === source).map((entry) => entry.id);
    const asked = performance.now();
    const notAfter = Math.floor(commands.clock.now() + STALE_MS);
    const judges = this.lease.mayJudge ? 1 : 0;
    const args = [callee, id, LEASE_MS, room, notAfter, GAP_MS, judges, ...held];
    const claimed = (await this.connection.ask(
      RECLAIM,
      [source.stream, keys.leases(callee)],
      args,
      BLOCK_GRACE_MS,
    )) as RawEntry[];
    for (const entry of claimed) this.take(source, entry, asked);
    return claimed.length;
  }

  /**
   * Whether an entry may begin. After a standstill of this process, on its way here or while the entry waited for a slot,
   * another replica may have claimed it: then Redis is asked.
   */
  private async stillOurs({ source, id, asked }: Entry): Promise<boolean> {
    const { callee, commands, id: self } = this.replica;
    for (let since = asked; !this.lease.heldSince(since);) {
      await this.lease.renew();
      since = performance.now();
      const pending = commands.redis.xpending(source.stream, callee, id, id, 1, self);
      if ((await commands.within(BLOCK_GRACE_MS, pending)).length === 0) return false;
    }
    return true;
  }

  private take(source: Source, [id, fields, deliveries = 1]: RawEntry, asked: number): void {
    const key = `${source.stream} ${id}`;
    // Given again while it runs: the group was made anew.
    if (this.held.has(key)) return;
    const entry: Entry = { source, id, fields, deliveries, asked, settle: () => this.held.delete(key) };
    this.held.set(key, entry);
    this.lease.busy();
    if (this.running < this.atOnce) void this.runOne(entry);
    else this.waiting.push(entry);
  }

  private async runOne(entry: Entry): Promise<void> {
    this.running += 1;
    // Where Redis does not say, the entry is let go of: it is fetched again if it is still ours.
    if (this.lease.heldSince(entry.asked) || (await this.stillOurs(entry).catch(() => false)))
      await this.runner.run(entry);
    else entry.settle();
    this.running -= 1;
    const next = this.stopping ? undefined : this.waiting.shift();
    if (next) void this.runOne(next);
    this.slotFreed();
  }

  private slot(): Promise<void> {
    return new Promise((resolve) => {
      this.slotFreed = resolve;
    });
  }

  private async recover(error: unknown): Promise<void> {
    const { connection } = this;
    if (!connection.ready || this.stopping) return;
    const reason = error instanceof Error ? error.message : String(error);
    try {
      // Streams, or all of Redis, were emptied.
      if (reason.startsWith('NOGROUP') || reason.startsWith('UNBLOCKED')) return await this.makeGroups();
    } catch {
      // Another Redis has taken over, and the connection goes there.
      if (!connection.ready) return;
    }
    this.replica.logger.warn('reading messages failed', { lane: this.lane, reason });
    await sleep(RETRY_MS);
  }

  /** From `0`, so that messages sent before the group was made are read too. */
  private async makeGroups(): Promise<void> {
    for (const { stream } of this.sources) {
      try {
        await this.connection.redis.xgroup('CREATE', stream, this.replica.callee, '0', 'MKSTREAM');
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('BUSYGROUP')) throw error;
      }
    }
  }
}
