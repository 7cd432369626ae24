import { type Connection } from './connection';
import { type Lane } from './contract';
import { type Entry } from './lane-reader';
import { type BusLogger } from './options';
import { BURY, FINISH } from './scripts';

const RETRY_MS = 500;
const COMPLAIN_MS = 1_000;

/** What is said to the caller about a message, if anything. */
export interface Farewell {
  readonly channel: string;
  readonly answer: string;
}

/** Where a message goes that is given up. */
export interface Grave {
  readonly key: string;
  readonly lane: Lane;
}

interface Finish {
  readonly entry: Entry;
  readonly farewell: Farewell | undefined;
  readonly onlyIfHeldBy: string;
  readonly grave?: Grave;
  readonly done: (entry: Entry) => void;
}

/** Dead letters that are kept for each callee. */
const MOST_DEAD = 1_000;

/**
 * Answers messages and takes them off their streams. What fails is tried again until it succeeds: a message that is left
 * pending for a living replica would stay for ever, since nobody may claim it.
 */
export class Finisher {
  private readonly failed = new Set<Finish>();
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;
  private complained = -Infinity;

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
  finish(entry: Entry, farewell: Farewell | undefined, done: (entry: Entry) => void, onlyIfHeldBy = ''): void {
    void this.attempt({ entry, farewell, onlyIfHeldBy, done });
  }

  /** Moves it to the dead letters instead. */
  bury(entry: Entry, farewell: Farewell | undefined, done: (entry: Entry) => void, grave: Grave): void {
    void this.attempt({ entry, farewell, onlyIfHeldBy: '', grave, done });
  }

  get idle(): boolean {
    return this.underWay === 0 && this.failed.size === 0;
  }

  private async attempt(finish: Finish): Promise<void> {
    const { entry, farewell, onlyIfHeldBy, grave } = finish;
    const { stream, caller } = entry.source;
    this.underWay += 1;
    try {
      const args = [this.group, entry.id, farewell?.channel ?? '', farewell?.answer ?? ''];
      if (grave) {
        const about = [MOST_DEAD, caller, grave.lane, entry.deliveries];
        await this.connection.run(BURY, [stream, grave.key], [...args, ...about]);
      } else {
        await this.connection.run(FINISH, [stream], [...args, onlyIfHeldBy]);
      }
      finish.done(entry);
    } catch (error) {
      this.failed.add(finish);
      this.complain(error);
    } finally {
      this.underWay -= 1;
    }
  }

  /** What a lost connection leaves is ordinary; what Redis refuses, it may refuse for ever. */
  private complain(error: unknown): void {
    const now = performance.now();
    if (!this.connection.ready || now - this.complained < COMPLAIN_MS) return;
    this.complained = now;
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.error('answering messages fails', { reason, waiting: this.failed.size });
  }

  private retry(): void {
    if (!this.connection.ready) return;
    for (const finish of [...this.failed]) {
      this.failed.delete(finish);
      void this.attempt(finish);
    }
  }
}
