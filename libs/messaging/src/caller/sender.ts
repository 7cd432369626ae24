import { wasNotRun } from '../connection/connection';
import { isElsewhere } from '../connection/redis-options';
import { type BusLogger } from '../options';
import { SEND } from '../wire/scripts';
import { type PendingCall, type PendingCalls } from './pending-calls';

/** Longer scripts would keep Redis from everybody else. */
const MOST_AT_ONCE = 100;

interface Outgoing {
  readonly call: PendingCall;
  readonly head: string;
  readonly sealed: string;
}

/** Puts messages on streams: those of one turn of the event loop together, by one command for each stream. */
export class Sender {
  private readonly queued = new Map<string, Outgoing[]>();

  constructor(
    private readonly pending: PendingCalls,
    private readonly maxStreamLength: number,
    private readonly warn: BusLogger['warn'],
  ) {}

  send(call: PendingCall, head: string, sealed: string): void {
    const queued = this.queued.get(call.stream);
    if (queued) queued.push({ call, head, sealed });
    else this.queued.set(call.stream, [{ call, head, sealed }]);
    if (!queued && this.queued.size === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    for (const messages of this.queued.values()) {
      for (let i = 0; i < messages.length; i += MOST_AT_ONCE) void this.submit(messages.slice(i, i + MOST_AT_ONCE));
    }
    this.queued.clear();
  }

  private async submit(messages: readonly Outgoing[]): Promise<void> {
    try {
      const results = await this.post(messages);
      for (const [i, { call }] of messages.entries()) this.learn(call, results[i]);
    } catch (error) {
      const calls = messages.map(({ call }) => call);
      if (!wasNotRun(error)) {
        for (const call of calls) call.unconfirmed = true;
        return;
      }
      this.warn('Redis refuses messages', { reason: error instanceof Error ? error.message : String(error) });
      for (const call of calls) this.pending.fail(call, 'service_unavailable');
    }
  }

  private learn(call: PendingCall, result: string | undefined): void {
    if (result === 'full') this.pending.fail(call, 'overloaded');
    else if (result === 'late') this.pending.fail(call, 'service_unavailable');
    else call.entry = result;
  }

  /** What another Redis is to be asked is asked there, once the connection leads there: it surely has not been run. */
  private async post(messages: readonly Outgoing[]): Promise<string[]> {
    try {
      return await this.postOnce(messages);
    } catch (error) {
      const most = Math.max(...messages.map(({ call }) => call.deadline)) - performance.now();
      if (!isElsewhere(error) || !(await messages[0]?.call.connection.whenReady(most))) throw error;
      return this.postOnce(messages);
    }
  }

  private async postOnce(messages: readonly Outgoing[]): Promise<string[]> {
    const [{ call }] = messages as [Outgoing];
    const { commands } = call.connection;
    const ahead = commands.clock.now() - performance.now();
    const args: (string | number)[] = [this.maxStreamLength];
    for (const {
      call: { deadline },
      head,
      sealed,
    } of messages)
      args.push(Math.floor(deadline + ahead), head, sealed);
    return (await commands.run(SEND, [call.stream], args)) as string[];
  }
}
