import { type Connection } from '../connection/connection';
import { type Lane } from '../wire/contract';
import { type Entry } from './lane-reader';
import { type BusLogger } from '../options';
import { throttled } from '../throttled';
import { DEAD_LETTER, ACKNOWLEDGE } from '../wire/scripts';

const RETRY_MS = 500;
const COMPLAIN_MS = 1_000;

/** What is said to the caller about a message, if anything. */
export interface OutgoingReply {
  readonly channel: string;
  readonly answer: string;
}

/** Where a message goes that is given up. */
export interface DeadLetterTarget {
  readonly key: string;
  readonly lane: Lane;
}

interface Finish {
  readonly entry: Entry;
  readonly reply: OutgoingReply | undefined;
  readonly onlyIfHeldBy: string;
  readonly target?: DeadLetterTarget;
  readonly done: (entry: Entry) => void;
}

/** Dead letters that are kept for each callee. */
const MOST_DEAD = 1_000;

/**
 * Answers messages and takes them off their streams. What fails is tried again until it succeeds: a message that is left
 * pending for a living replica would stay for ever, since nobody may claim it.
 */
export class Acknowledger {
  private readonly failed = new Set<Finish>();
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly group: string,
    private readonly logger: BusLogger,
  ) {}

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
  deadLetter(entry: Entry, reply: OutgoingReply | undefined, done: (entry: Entry) => void, target: DeadLetterTarget): void {
    void this.attempt({ entry, reply, onlyIfHeldBy: '', target, done });
  }

  get idle(): boolean {
    return this.underWay === 0 && this.failed.size === 0;
  }

  private async attempt(finish: Finish): Promise<void> {
    const { entry, reply, onlyIfHeldBy, target } = finish;
    const { stream, caller } = entry.source;
    this.underWay += 1;
    try {
      const args = [this.group, entry.id, reply?.channel ?? '', reply?.answer ?? ''];
      if (target) {
        const about = [MOST_DEAD, caller, target.lane, entry.deliveries];
        await this.connection.run(DEAD_LETTER, [stream, target.key], [...args, ...about]);
      } else {
        await this.connection.run(ACKNOWLEDGE, [stream], [...args, onlyIfHeldBy]);
      }
      finish.done(entry);
    } catch (error) {
      this.failed.add(finish);
      if (this.connection.ready) this.complain(error);
    } finally {
      this.underWay -= 1;
    }
  }

  /** What a lost connection leaves is ordinary; what Redis refuses, it may refuse for ever. */
  private readonly complain = throttled(COMPLAIN_MS, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.error('answering messages fails', { reason, waiting: this.failed.size });
  });

  private retry(): void {
    if (!this.connection.ready) return;
    for (const finish of [...this.failed]) {
      this.failed.delete(finish);
      void this.attempt(finish);
    }
  }
}
