import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { type Connection } from '../connection/connection';
import { type Acknowledger } from './acknowledger';
import { type Entry, type Source } from './entry';
import { type Lane } from '../wire/contract';
import { GAP_MS, type Lease, LEASE_MS } from './lease';
import { type BusLogger } from '../options';
import { RECLAIM } from '../wire/scripts';

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

type RawEntry = [id: string, fields: string[] | null];

export interface LaneReaderOptions {
  readonly lane: Lane;
  readonly sources: readonly Source[];
  /** How many messages run at once. */
  readonly concurrency: number;
  readonly group: string;
  readonly replica: string;
  /** Blocks while it waits for messages, so nobody else may use it. */
  readonly connection: Connection;
  readonly commands: Connection;
  readonly lease: Lease;
  readonly leasesKey: string;
  readonly acknowledger: Acknowledger;
  readonly logger: BusLogger;
  /** Runs a message to its end. Never rejects. */
  readonly run: (entry: Entry) => Promise<void>;
  readonly onReclaimed: (count: number) => void;
}

/**
 * Reads the messages of one lane, never more than can run. Everything is asked one after another over one connection;
 * so whatever is pending for this replica and is not in `held` was sent to a connection that is no more, and is lost
 * unless it is fetched again.
 */
export class LaneReader {
  private readonly held = new Map<string, Entry>();
  private readonly waiting: Entry[] = [];
  private readonly byStream: ReadonlyMap<string, Source>;
  private running = 0;
  private stopping = false;
  private sweepDue = true;
  private loop: Promise<void> = Promise.resolve();
  private slotFreed: () => void = () => undefined;
  private clientId: string | undefined;

  constructor(private readonly options: LaneReaderOptions) {
    this.byStream = new Map(options.sources.map((source) => [source.stream, source]));
    options.connection.beforeUse(async () => {
      const { redis } = options.connection;
      this.clientId = await redis.client('ID').then(String, () => undefined);
      await this.makeGroups();
      this.sweepDue = true;
    });
  }

  start(): void {
    this.loop = this.readOn();
  }

  /** Reads no more. Messages that wait for a slot are left to others; `idle` tells when the running ones are done. */
  async stop(): Promise<void> {
    const { connection } = this.options;
    this.stopping = true;
    this.slotFreed();
    if (!(await this.unblock())) connection.cut();
    await this.loop;
    for (const entry of this.waiting.splice(0)) this.held.delete(keyOf(entry));
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

  /** The entry is answered and off its stream. */
  settle(entry: Entry): void {
    this.held.delete(keyOf(entry));
  }

  /** Ends a read that waits for messages. @returns whether that could be said */
  private async unblock(): Promise<boolean> {
    const { commands } = this.options;
    if (this.clientId === undefined || !commands.ready) return false;
    const told = commands.within(READY_MS, commands.redis.client('UNBLOCK', this.clientId));
    return told.then(() => true, () => false);
  }

  private async readOn(): Promise<void> {
    const { acknowledger, connection, commands } = this.options;
    while (!this.stopping) {
      // Both: what is read over the one is answered over the other, and aged by the clock that the other keeps.
      if (!(await connection.whenReady(READY_MS)) || !(await commands.whenReady(READY_MS))) continue;
      const free = this.options.concurrency - this.running - this.waiting.length;
      try {
        if (acknowledger.full) await sleep(RETRY_MS);
        else if (free <= 0) await this.slot();
        else if (this.sweepDue) await this.sweep(free);
        else await this.read(free);
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  private async read(free: number): Promise<void> {
    const { acknowledger, connection, group, replica, sources } = this.options;
    // COUNT is per stream. When fewer slots are free than there are streams, some messages may have to wait for one.
    const count = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(free / sources.length)));
    const streams = sources.map((source) => source.stream);
    const asked = performance.now();
    const { redis } = connection;
    redis.stream.cork();
    acknowledger.flush(connection);
    const read = redis.xreadgroup(
      ...(['GROUP', group, replica, 'COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS'] as const),
      ...streams,
      ...streams.map(() => '>'),
    );
    redis.stream.uncork();
    const batches = (await connection.within(BLOCK_MS + BLOCK_GRACE_MS, read)) as [string, RawEntry[]][] | null;
    if (!batches) return;
    for (const [stream, raw] of batches) for (const entry of this.entriesOf(stream, raw, asked, () => 1)) this.take(entry);
    // What is answered without waiting is acknowledged together with the next read.
    await turn();
  }

  /** Takes over what was lost on the way to this replica, and what dead replicas left. */
  private async sweep(free: number): Promise<void> {
    this.sweepDue = false;
    let room = free;
    for (const source of this.options.sources) {
      const entries = await this.lostOn(source, room);
      entries.push(...(await this.abandonedOn(source, room - entries.length)));
      room -= entries.length;
      if (entries.length > 0) this.options.onReclaimed(entries.length);
      for (const entry of entries) this.take(entry);
      // The rest is looked at when there is room again.
      if (room <= 0) return this.sweepSoon();
    }
  }

  private async lostOn({ stream }: Source, room: number): Promise<Entry[]> {
    const pending = await this.pendingHere(stream);
    const lost = [...pending.keys()].filter((id) => !this.held.has(`${stream} ${id}`)).slice(0, room);
    if (lost.length === 0) return [];
    const { connection, group, replica } = this.options;
    const asked = performance.now();
    const claim = connection.redis.xclaim(stream, group, replica, 0, ...lost);
    const raw = (await connection.within(BLOCK_GRACE_MS, claim)) as RawEntry[];
    return this.entriesOf(stream, raw, asked, (id) => (pending.get(id) ?? 0) + 1);
  }

  private async abandonedOn({ stream }: Source, room: number): Promise<Entry[]> {
    const { connection, group, replica, lease, leasesKey } = this.options;
    if (room <= 0 || !lease.mayJudge) return [];
    const notAfter = Math.floor(lease.clock.now() + STALE_MS);
    const asked = performance.now();
    const claim = connection.run(RECLAIM, [stream, leasesKey], [group, replica, LEASE_MS, room, notAfter, GAP_MS]);
    const raw = (await connection.within(BLOCK_GRACE_MS, claim)) as [string, string[], number][];
    const deliveries = new Map(raw.map(([id, , times]) => [id, times]));
    return this.entriesOf(stream, raw.map(([id, fields]) => [id, fields]), asked, (id) => deliveries.get(id) ?? 1);
  }

  /** What Redis says is pending for this replica: entry id → deliveries. */
  private async pendingHere(stream: string): Promise<Map<string, number>> {
    const { connection, group, replica } = this.options;
    const most = this.held.size + this.options.concurrency;
    const list = connection.redis.xpending(stream, group, '-', '+', most, replica);
    const rows = (await connection.within(BLOCK_GRACE_MS, list)) as [string, string, number, number][];
    return new Map(rows.map(([id, , , deliveries]) => [id, deliveries]));
  }

  /**
   * Whether an entry may begin. After a standstill of this process, on its way here or while the entry waited for a slot,
   * another replica may have claimed it: then Redis is asked.
   */
  private async stillOurs({ source, id, asked }: Entry): Promise<boolean> {
    const { commands, group, lease, replica } = this.options;
    for (let since = asked; !lease.heldSince(since); ) {
      await lease.renew();
      since = performance.now();
      const pending = commands.redis.xpending(source.stream, group, id, id, 1, replica);
      if ((await commands.within(BLOCK_GRACE_MS, pending)).length === 0) return false;
    }
    return true;
  }

  private entriesOf(stream: string, raw: RawEntry[], asked: number, deliveries: (id: string) => number): Entry[] {
    const source = this.byStream.get(stream);
    if (!source) return [];
    return raw.map(([id, fields]) => ({ source, id, fields: fields ?? [], deliveries: deliveries(id), asked }));
  }

  private take(entry: Entry): void {
    // Given again while it runs: the group was made anew.
    if (this.held.has(keyOf(entry))) return;
    this.held.set(keyOf(entry), entry);
    this.options.lease.busy();
    if (this.running < this.options.concurrency) void this.runOne(entry);
    else this.waiting.push(entry);
  }

  private async runOne(entry: Entry): Promise<void> {
    this.running += 1;
    // Where Redis does not say, the entry is let go of: it is fetched again if it is still ours.
    if (this.options.lease.heldSince(entry.asked) || (await this.stillOurs(entry).catch(() => false))) await this.options.run(entry);
    else this.held.delete(keyOf(entry));
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
    const { connection, lane, logger } = this.options;
    if (!connection.ready || this.stopping) return;
    const reason = error instanceof Error ? error.message : String(error);
    try {
      // Streams, or all of Redis, were emptied.
      if (reason.startsWith('NOGROUP') || reason.startsWith('UNBLOCKED')) return await this.makeGroups();
    } catch {
      // Another Redis has taken over, and the connection goes there.
      if (!connection.ready) return;
    }
    logger.warn('reading messages failed', { lane, reason });
    await sleep(RETRY_MS);
  }

  /** From `0`, so that messages sent before the group was made are read too. */
  private async makeGroups(): Promise<void> {
    const { connection, group, sources } = this.options;
    for (const { stream } of sources) {
      try {
        await connection.redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('BUSYGROUP')) throw error;
      }
    }
  }
}

function keyOf(entry: Entry): string {
  return `${entry.source.stream} ${entry.id}`;
}
