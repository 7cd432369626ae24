import { type Connection } from '../connection/connection';
import { type BusLogger } from '../options';
import { throttled } from '../throttled';
import { ACKNOWLEDGE, DEAD_LETTER } from '../wire/scripts';
import { type Entry } from './lane-reader';

const RETRY_MS = 500;
const COMPLAIN_MS = 1_000;

/** Dead letters that are kept for each callee. */
const MOST_DEAD = 1_000;

/** So many messages may wait to be acknowledged; then no more are read. */
const MOST_FAILED = 1_000;

/** What is said to the caller about a message, if anything. */
export interface OutgoingReply {
  readonly channel: string;
  readonly answer: string;
}

interface Finish {
  readonly entry: Entry;
  readonly reply?: OutgoingReply | undefined;
  readonly onlyIfHeldBy: string;
  /** Where it goes instead of being forgotten. */
  readonly deadLetters?: string;
  readonly done: (entry: Entry) => void;
}

export interface AcknowledgerOptions {
  readonly connection: Connection;
  readonly group: string;
  /** The stream of dead letters. */
  readonly deadLetters: string;
  readonly logger: BusLogger;
  /** Redis refuses to publish a reply: the caller is not told, and the message is a dead letter. */
  readonly onRefused: (entry: Entry) => void;
}

/**
 * Replies to messages and takes them off their streams. What fails is tried again until it succeeds: a message that is left
 * pending for a living replica would stay for ever, since nobody may claim it. What Redis refuses for good (this user may
 * not publish to that caller) becomes a dead letter, without a reply.
 */
export class Acknowledger {
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
    void this.attempt({ entry, reply, onlyIfHeldBy, done });
  }

  /** Moves it to the dead letters instead. */
  deadLetter(entry: Entry, reply: OutgoingReply | undefined, done: (entry: Entry) => void): void {
    void this.attempt({ entry, reply, onlyIfHeldBy: '', deadLetters: this.options.deadLetters, done });
  }

  get idle(): boolean {
    return this.underWay === 0 && this.failed.size === 0;
  }

  /** So much is left to acknowledge that memory would run out if more were read. */
  get full(): boolean {
    return this.failed.size >= MOST_FAILED;
  }

  private async attempt(finish: Finish): Promise<void> {
    this.underWay += 1;
    try {
      await this.send(finish);
      finish.done(finish.entry);
    } catch (error) {
      if (this.options.connection.ready) this.complain(error);
      this.failed.add(finish.reply && isRefusal(error) ? this.refused(finish) : finish);
    } finally {
      this.underWay -= 1;
    }
  }

  private async send({ entry, reply, onlyIfHeldBy, deadLetters }: Finish): Promise<void> {
    const { connection, group } = this.options;
    const { stream, caller, lane } = entry.source;
    const args = [group, entry.id, reply?.channel ?? '', reply?.answer ?? ''];
    if (deadLetters === undefined) await connection.run(ACKNOWLEDGE, [stream], [...args, onlyIfHeldBy]);
    else await connection.run(DEAD_LETTER, [stream, deadLetters], [...args, MOST_DEAD, caller, lane, entry.deliveries]);
  }

  private refused({ entry, done }: Finish): Finish {
    this.options.onRefused(entry);
    return { entry, onlyIfHeldBy: '', deadLetters: this.options.deadLetters, done };
  }

  /** What a lost connection leaves is ordinary; what Redis refuses, it may refuse for ever. */
  private readonly complain = throttled(COMPLAIN_MS, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    this.options.logger.error('acknowledging messages fails', { reason, waiting: this.failed.size });
  });

  private retry(): void {
    if (!this.options.connection.ready) return;
    for (const finish of [...this.failed]) {
      this.failed.delete(finish);
      void this.attempt(finish);
    }
  }
}

/** The rights of this user do not suffice: within a script, Redis says so in a sentence of its own. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /NOPERM|The user executing the script can't/.test(error.message);
}
