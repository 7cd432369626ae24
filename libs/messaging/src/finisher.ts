import { type Connection } from './connection';
import { type Entry } from './lane-reader';
import { FINISH } from './scripts';

const RETRY_MS = 500;

/** What is said to the caller about a message, if anything. */
export interface Farewell {
  readonly channel: string;
  readonly answer: string;
}

interface Finish {
  readonly entry: Entry;
  readonly farewell: Farewell | undefined;
  readonly onlyIfHeldBy: string;
  readonly done: (entry: Entry) => void;
}

/**
 * Answers messages and takes them off their streams. What fails is tried again until it succeeds: a message that is left
 * pending for a living replica would stay for ever, since nobody may claim it.
 */
export class Finisher {
  private readonly failed = new Set<Finish>();
  private underWay = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly group: string,
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

  get idle(): boolean {
    return this.underWay === 0 && this.failed.size === 0;
  }

  private async attempt(finish: Finish): Promise<void> {
    const { entry, farewell, onlyIfHeldBy } = finish;
    this.underWay += 1;
    try {
      const args = [this.group, entry.id, farewell?.channel ?? '', farewell?.answer ?? '', onlyIfHeldBy];
      await this.connection.run(FINISH, [entry.source.stream], args);
      finish.done(entry);
    } catch {
      this.failed.add(finish);
    } finally {
      this.underWay -= 1;
    }
  }

  private retry(): void {
    if (!this.connection.ready) return;
    for (const finish of [...this.failed]) {
      this.failed.delete(finish);
      void this.attempt(finish);
    }
  }
}
