import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROGRAM } from '@puerta/testing';

/** A replica as a process of its own that has committed a change, and can be killed before or while it tells of it. */
export class RelayProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(databaseUrl: string, what: 'writes only' | 'publishes for ever'): Promise<RelayProcess> {
    const child = fork(PROGRAM, [join(__dirname, 'relay.program.ts'), databaseUrl, what], { execArgv: [] });
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a replica ended with ${code}`)));
    await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => undefined);
    return new RelayProcess(child);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
