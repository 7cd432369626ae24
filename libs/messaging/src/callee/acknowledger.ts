import { type Connection } from '../connection/connection';
import { type BusLogger } from '../options';
import { throttled } from '../throttled';
import { sealReplies } from '../wire/envelope';
import { type Keys } from '../wire/keys';
import { ACKNOWLEDGE, DEAD_LETTER } from '../wire/scripts';
import { type Sealer } from '../wire/sealer';
import { type Entry } from './entry';

const RETRY_MS = 500;
const COMPLAIN_MS = 1_000;

/** Dead letters that are kept for each callee. */
const MOST_DEAD = 1_000;

/** So many messages may wait to be acknowledged; then no more are read. */
const MOST_FAILED = 1_000;

/** Longer scripts would keep Redis from everybody else. */
const MOST_AT_ONCE = 64;

/** What is said to the caller about a message, if anything. */
export interface OutgoingReply {
  /** The replica that asked. */
  readonly replica: string;
  /** JSON. */
  readonly answer: string;
}

interface Finish {
  readonly entry: Entry;
  readonly reply?: OutgoingReply | undefined;
  readonly onlyIfHeldBy: string;
  /** It is kept among the dead letters instead of being forgotten. */
  readonly dead: boolean;
  readonly done: (entry: Entry) => void;
}

export interface AcknowledgerOptions {
  readonly connection: Connection;
  /** The callee, and so the group of its replicas. */
  readonly group: string;
  readonly keys: Keys;
  readonly sealer: Sealer;
  readonly logger: BusLogger;
  /** Redis refuses to publish a reply: the caller is not told, and the message is a dead letter. */
  readonly onRefused: (entry: Entry) => void;
}

/**
 * Replies to messages and takes them off their streams: those of one turn of the event loop and one stream by one command,
 * and what is said to one replica of a caller under one seal. What fails is tried again until it succeeds: a message that is left
 * pending for a living replica would stay for ever, since nobody may claim it. What Redis refuses for good (this user may
 * not publish to that caller) becomes a dead letter, without a reply.
 */
export class Acknowledger {
  private queued: Finish[] = [];
  private readonly failed = new Set<Finish>();
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: AcknowledgerOptions) {}

  start(): void {
    this.timer = setInterval(() => this.retry(), RETRY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** @param onlyIfHeldBy finish it only when this replica still holds it */
  finish(entry: Entry, reply: OutgoingReply | undefined, done: (entry: Entry) => void, onlyIfHeldBy = ''): void {
    this.add({ entry, reply, onlyIfHeldBy, dead: false, done });
  }

  /** Moves it to the dead letters instead. */
  deadLetter(entry: Entry, reply: OutgoingReply | undefined, done: (entry: Entry) => void): void {
    this.add({ entry, reply, onlyIfHeldBy: '', dead: true, done });
  }

  get idle(): boolean {
    return this.queued.length === 0 && this.underWay === 0 && this.failed.size === 0;
  }

  /** So much is left to acknowledge that memory would run out if more were read. */
  get full(): boolean {
    return this.failed.size >= MOST_FAILED;
  }

  private add(finish: Finish): void {
    this.queued.push(finish);
    if (this.queued.length === 1) setImmediate(() => this.flush(this.options.connection));
  }

  /** Sends what waits for the end of this turn of the event loop. */
  flush(connection: Connection): void {
    const batches = new Map<string, Finish[]>();
    for (const finish of this.queued.splice(0)) {
      const { entry, onlyIfHeldBy, dead } = finish;
      const batch = batches.get(entry.source.stream);
      if (dead || onlyIfHeldBy !== '') void this.attempt([finish], connection);
      else if (batch && batch.length < MOST_AT_ONCE) batch.push(finish);
      else {
        if (batch) void this.attempt(batch, connection);
        batches.set(entry.source.stream, [finish]);
      }
    }
    for (const batch of batches.values()) void this.attempt(batch, connection);
  }

  /** @param finishes of one stream */
  private async attempt(finishes: readonly Finish[], connection: Connection): Promise<void> {
    this.underWay += 1;
    try {
      await this.send(finishes, connection);
      for (const { done, entry } of finishes) done(entry);
    } catch (error) {
      if (this.options.connection.ready) this.complain(error);
      if (!isRefusal(error)) for (const finish of finishes) this.failed.add(finish);
      // One by one: the others may be answered.
      else if (finishes.length > 1) for (const finish of finishes) void this.attempt([finish], this.options.connection);
      else for (const finish of finishes) this.failed.add(finish.reply ? this.refused(finish) : finish);
    } finally {
      this.underWay -= 1;
    }
  }

  private async send(finishes: readonly Finish[], connection: Connection): Promise<void> {
    const { connection: commands, group, keys } = this.options;
    const [{ entry, onlyIfHeldBy, dead }] = finishes as [Finish];
    const { stream, caller, lane } = entry.source;
    const replies = this.repliesIn(finishes, caller);
    if (dead) {
      const [channel = '', text = ''] = replies;
      const about = [MOST_DEAD, caller, lane, entry.deliveries];
      await connection.run(DEAD_LETTER, [stream, keys.dead(group)], [group, entry.id, channel, text, ...about], commands);
    } else {
      const ids = finishes.map((finish) => finish.entry.id);
      await connection.run(ACKNOWLEDGE, [stream], [group, onlyIfHeldBy, ids.length, ...ids, ...replies], commands);
    }
  }

  /** @returns channels, and what is published there, alternating */
  private repliesIn(finishes: readonly Finish[], caller: string): string[] {
    const { group: callee, keys, sealer } = this.options;
    const byReplica = new Map<string, string[]>();
    for (const { reply } of finishes) {
      const answers = reply && byReplica.get(reply.replica);
      if (answers) answers.push(reply.answer);
      else if (reply) byReplica.set(reply.replica, [reply.answer]);
    }
    return [...byReplica].flatMap(([replica, answers]) => [
      keys.replyChannel(caller, replica),
      sealReplies(sealer, { callee, caller, replica }, answers),
    ]);
  }

  private refused({ entry, done }: Finish): Finish {
    this.options.onRefused(entry);
    return { entry, onlyIfHeldBy: '', dead: true, done };
  }

  /** What a lost connection leaves is ordinary; what Redis refuses, it may refuse for ever. */
  private readonly complain = throttled(COMPLAIN_MS, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    this.options.logger.error('acknowledging messages fails', { reason, waiting: this.failed.size });
  });

  private retry(): void {
    if (!this.options.connection.ready) return;
    for (const finish of this.failed) this.add(finish);
    this.failed.clear();
  }
}

/** The rights of this user do not suffice: within a script, Redis says so in a sentence of its own. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /NOPERM|The user executing the script can't/.test(error.message);
}
