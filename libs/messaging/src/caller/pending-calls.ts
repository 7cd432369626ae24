import { BusError, type BusErrorCode, type WireError } from '../wire/errors';
import { type CallerConnection } from './caller-connection';
import { type Reply } from '../wire/message';

/** How often calls are looked at. One timer for all: a timer per call costs more than the calls themselves. */
const SWEEP_MS = 100;
/** After so long without a reply a call asks what became of its message, and again each time. */
const ASK_MS = 1_000;
/** How long past its time to live a call waits for what is on its way: the last question's answer, or a refusal. */
const SLACK_MS = 250;

/** What became of a message, as Redis tells. */
export type Fate = 'taken' | 'waiting' | 'removed' | 'gone';

export interface PendingCall {
  readonly id: string;
  readonly service: string;
  readonly stream: string;
  readonly connection: CallerConnection;
  readonly deadline: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: WireError) => void;
  /** Known once Redis confirmed the message. */
  entry: string | undefined;
  /** The connection broke while the message was sent: it may be on the stream or not. */
  unconfirmed: boolean;
  askAt: number;
  asking: boolean;
  askedLast: boolean;
  /** It was not on its stream when last asked: lost, or its reply was published while this process could not hear it. */
  missing: boolean;
}

type About = Pick<PendingCall, 'id' | 'service' | 'stream' | 'connection' | 'deadline'> & { readonly started: number };

/** @param last whether time is up: then messages that nobody took are taken back */
export type Ask = (calls: readonly PendingCall[], last: boolean) => void;

/** The calls that wait for a reply. Each settles once, and by its deadline whatever Redis does. */
export class PendingCalls {
  private readonly calls = new Map<string, PendingCall>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly ask: Ask) {}

  /**
   * Takes what is known of a call and nothing more: what waits here must not keep its message in memory. Field by field:
   * with a spread, the same object costs so much garbage that 32 callers get 16,700 calls a second instead of 19,600.
   */
  add({ id, service, stream, connection, started, deadline }: About): { call: PendingCall; reply: Promise<unknown> } {
    let resolve: PendingCall['resolve'] = () => undefined;
    let reject: PendingCall['reject'] = () => undefined;
    const reply = new Promise((succeed, fail) => {
      resolve = succeed;
      reject = (wire) => fail(new BusError(wire));
    });
    const call: PendingCall = {
      id,
      service,
      stream,
      connection,
      deadline,
      resolve,
      reject,
      entry: undefined,
      unconfirmed: false,
      askAt: started + ASK_MS,
      asking: false,
      askedLast: false,
      missing: false,
    };
    this.calls.set(call.id, call);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS);
    return { call, reply };
  }

  /** The call that waits under that id, if any does. */
  get(id: string): PendingCall | undefined {
    return this.calls.get(id);
  }

  /** A second reply to the same call, or one that came too late, is dropped. */
  settle(reply: Reply): void {
    const call = this.remove(reply.id);
    if (!call) return;
    if (reply.error) call.reject(reply.error);
    else call.resolve(reply.ok);
  }

  fail(call: PendingCall, code: BusErrorCode): void {
    if (this.remove(call.id)) call.reject({ code });
  }

  learn(call: PendingCall, fate: Fate | undefined): void {
    if (fate === 'removed') this.fail(call, 'service_unavailable');
    // Twice, a second apart: Redis may have lost it while its handler runs, whose reply then still comes.
    else if (fate === 'gone' && call.missing) this.fail(call, 'outcome_unknown');
    else call.missing = fate === 'gone';
  }

  failAll(code: BusErrorCode): void {
    for (const call of [...this.calls.values()]) this.fail(call, code);
    this.sweep();
  }

  private remove(id: string): PendingCall | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }

  private sweep(): void {
    if (this.calls.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    const now = performance.now();
    const due: PendingCall[] = [];
    const last: PendingCall[] = [];
    for (const call of this.calls.values()) {
      if (now >= call.deadline + SLACK_MS) this.fail(call, 'outcome_unknown');
      else if (now >= call.deadline) {
        if (!call.askedLast) last.push(call);
        call.askedLast = true;
      } else if (now >= call.askAt && !call.asking) {
        call.askAt = now + ASK_MS;
        call.asking = true;
        due.push(call);
      }
    }
    if (due.length > 0) this.ask(due, false);
    if (last.length > 0) this.ask(last, true);
  }
}
