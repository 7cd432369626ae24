import pino from 'pino';

/** A line waits this long at most for others. */
const FLUSH_MS = 20;
/** Below the 16 KiB that pino writes at once. */
const FLUSH_BYTES = 12_288;

/**
 * Standard output, written to in batches: one write to a pipe takes as long as a small request takes otherwise. The
 * write itself is synchronous, so that nothing is dropped, and nothing piles up, while the reader is slow.
 */
export class LogOutput implements pino.DestinationStream {
  private readonly output;
  private timer: NodeJS.Timeout | undefined;

  constructor(fd = 1) {
    this.output = pino.destination({ fd, sync: true, minLength: FLUSH_BYTES });
    process.once('exit', () => this.flush());
  }

  write(line: string): void {
    this.output.write(line);
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.output.flushSync();
  }
}
