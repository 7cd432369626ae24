import { writeSync } from 'node:fs';

/** A line waits this long at most for others. */
const FLUSH_MS = 20;
const FLUSH_CHARACTERS = 12_288;
/** Before a full pipe is tried again. */
const RETRY_MS = 10;

/**
 * Standard output, written to in batches: one write to a pipe takes as long as a small request takes otherwise. The
 * write itself is synchronous, so that nothing is dropped, and nothing piles up, while the reader is slow. Where nobody
 * reads any more (EPIPE), or the disk is full, lines are dropped: a process must serve, and be able to end, all the same.
 */
export class LogOutput {
  private waiting = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly fd = 1) {
    process.once('exit', () => this.flush());
  }

  write(line: string): void {
    this.waiting += line;
    if (this.waiting.length >= FLUSH_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    let bytes = Buffer.from(this.waiting);
    this.waiting = '';
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(this.fd, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  }
}
