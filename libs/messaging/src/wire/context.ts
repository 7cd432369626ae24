import { AsyncLocalStorage } from 'node:async_hooks';
import { BaseRpcContext } from '@nestjs/microservices';

/** What belongs to the request now being served, however deep the code that asks. Calls made meanwhile inherit it. */
export interface CallContext {
  readonly requestId: string;
  /** W3C Trace Context: the span in which this is served, and what else its trace carries. */
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** On whose behalf. */
  readonly actor?: object;
  /** When the caller stops waiting, on the clock of `performance.now()`. */
  readonly deadline?: number;
}

/** Entered per HTTP request by whoever serves HTTP, and per message by the bus server. */
export const callContext = new AsyncLocalStorage<CallContext>();

/** What a handler is told about its message. */
export class BusContext<Actor extends object = object> extends BaseRpcContext<[string]> {
  constructor(
    readonly messageId: string,
    readonly pattern: string,
    /** Known by the stream the message came in, never by what the message says. */
    readonly caller: string,
    /** On whose behalf; only from callers that are believed about it. */
    readonly actor: Actor | undefined,
    readonly idempotencyKey: string | undefined,
    readonly requestId: string,
    readonly traceparent: string | undefined,
  ) {
    super([pattern]);
  }
}
