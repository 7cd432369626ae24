import { type Connection } from '../connection/connection';
import { throttled } from '../throttled';
import { sealReplies } from '../wire/envelope';
import { fromFields } from '../wire/message';
import { ACKNOWLEDGE, DEAD_LETTER } from '../wire/scripts';
import { type Entry } from './entry';
import { type Replica } from './replica';

const RETRY_MS = 500;
const WARN_MS = 1_000;

/** Dead letters that are kept for each callee. */
const MOST_DEAD = 1_000;

/** So many messages may wait to be acknowledged; then no more are read. */
const MOST_FAILED = 1_000;

/** Longer scripts would keep Redis from everybody else. */
const MOST_AT_ONCE = 64;

/** What is said to the caller about a message, if anything. */
export interface OutgoingReply {
  /** The replica that asked. */
  readonly to: string;
  readonly json: string;
}

interface Finish {
  readonly entry: Entry;
  readonly reply: OutgoingReply | undefined;
  readonly onlyIfHeld: boolean;
  /** It is kept among the dead letters instead of being forgotten. */
  readonly dead: boolean;
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

  constructor(private readonly replica: Replica) {}

  start(): void {
    this.timer = setInterval(() => this.retry(), RETRY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** @param onlyIfHeld finish it only when this replica still holds it */
  finish(entry: Entry, reply: OutgoingReply | undefined, onlyIfHeld = false): void {
    this.add({ entry, reply, onlyIfHeld, dead: false });
  }

  /** Moves it to the dead letters instead. */
  deadLetter(entry: Entry, reply?: OutgoingReply): void {
    const { contract, onEvent } = this.replica;
    const { pattern = '' } = fromFields(entry.fields);
    const known = Object.hasOwn(contract.patterns, pattern);
    const { caller, lane } = entry.source;
    this.add({ entry, reply, onlyIfHeld: false, dead: true });
    onEvent?.({ type: 'dead_lettered', pattern: known ? pattern : 'unknown', caller, lane });
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
    if (this.queued.length === 1) setImmediate(() => this.flush(this.replica.commands));
  }

  /** Sends what waits for the end of this turn of the event loop. */
  flush(connection: Connection): void {
    const batches = new Map<string, Finish[]>();
    for (const finish of this.queued.splice(0)) {
      const { stream } = finish.entry.source;
      const batch = batches.get(stream);
      if (finish.dead || finish.onlyIfHeld) void this.attempt([finish], connection);
      else if (batch && batch.length < MOST_AT_ONCE) batch.push(finish);
      else {
        if (batch) void this.attempt(batch, connection);
        batches.set(stream, [finish]);
      }
    }
    for (const batch of batches.values()) void this.attempt(batch, connection);
  }

  /** @param finishes of one stream */
  private async attempt(finishes: readonly Finish[], connection: Connection): Promise<void> {
    this.underWay += 1;
    try {
      await this.send(finishes, connection);
      for (const { entry } of finishes) entry.settle();
    } catch (error) {
      // A lost connection is nothing to speak of here; what Redis refuses, it may refuse for ever.
      if (this.replica.commands.ready) this.warn(error);
      if (!isRefusal(error)) for (const finish of finishes) this.failed.add(finish);
      // One by one: Redis may take the other replies.
      else if (finishes.length > 1) for (const finish of finishes) void this.attempt([finish], this.replica.commands);
      else for (const finish of finishes) this.refused(finish);
    } finally {
      this.underWay -= 1;
    }
  }

  private async send(finishes: readonly Finish[], connection: Connection): Promise<void> {
    const { id: self, callee, commands, keys } = this.replica;
    const [{ entry, onlyIfHeld, dead }] = finishes as [Finish];
    const { stream, caller, lane } = entry.source;
    const replies = this.repliesIn(finishes, caller);
    if (dead) {
      const [channel = '', text = ''] = replies;
      const about = [MOST_DEAD, caller, lane, entry.deliveries];
      await connection.run(
        DEAD_LETTER,
        [stream, keys.dead(callee)],
        [callee, entry.id, channel, text, ...about],
        commands,
      );
    } else {
      const ids = finishes.map((finish) => finish.entry.id);
      const args = [callee, onlyIfHeld ? self : '', ids.length, ...ids, ...replies];
      await connection.run(ACKNOWLEDGE, [stream], args, commands);
    }
  }

  /** @returns channels, and what is published there, alternating */
  private repliesIn(finishes: readonly Finish[], caller: string): string[] {
    const { callee, keys, sealer } = this.replica;
    const byReplica = new Map<string, string[]>();
    for (const { reply } of finishes) {
      const others = reply && byReplica.get(reply.to);
      if (others) others.push(reply.json);
      else if (reply) byReplica.set(reply.to, [reply.json]);
    }
    return [...byReplica].flatMap(([replica, replies]) => [
      keys.replyChannel(caller, replica),
      sealReplies(sealer, { callee, caller, replica }, replies),
    ]);
  }

  /** Tried again if there is no reply that could be left out. */
  private refused(finish: Finish): void {
    const { entry } = finish;
    if (!finish.reply) return void this.failed.add(finish);
    const { caller, lane } = entry.source;
    this.replica.logger.error('Redis refuses replies to a caller; the message is a dead letter', {
      caller,
      lane,
      entry: entry.id,
    });
    this.deadLetter(entry);
  }

  private readonly warn = throttled(WARN_MS, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    this.replica.logger.error('acknowledging messages fails', { reason, waiting: this.failed.size });
  });

  private retry(): void {
    if (!this.replica.commands.ready) return;
    for (const finish of this.failed) this.add(finish);
    this.failed.clear();
  }
}

/** The rights of this user do not suffice: within a script, Redis says so in a sentence of its own. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /NOPERM|The user executing the script can't/.test(error.message);
}
