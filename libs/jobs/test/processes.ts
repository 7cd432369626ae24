import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROGRAM } from '@puerta/testing';

/** A replica that can be killed and frozen. */
export class WorkerProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(url: string): Promise<WorkerProcess> {
    const child = fork(PROGRAM, [join(__dirname, 'worker.program.ts'), url], { execArgv: [] });
    const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
    await Promise.race([once(child, 'message'), failed]);
    failed.catch(() => undefined);
    return new WorkerProcess(child);
  }

  get pid(): number {
    return this.child.pid ?? NaN;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'exit');
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }
}
