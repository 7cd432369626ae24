import type services from './services.json';

/**
 * How a service is asked over the bus: its patterns, what each takes and answers, who may ask, and in which lane it runs.
 * `fast` is for short work; `heavy` for what burns CPU or waits long (password hashing, photos), so that it never
 * delays the rest.
 */
export interface Pattern<Request extends object, Response extends object> {
  /** The DTO class that data is validated against before a handler sees it. */
  readonly request: new () => Request;
  readonly lane: 'fast' | 'heavy';
  /** Services that may ask this pattern. */
  readonly callers: readonly ServiceName[];
  /** Carries the type of the answer; never set. */
  readonly response?: Response;
}

/** Each service is declared once, in services.json, which tools read too. */
export type ServiceName = keyof typeof services;

/** Declares one pattern, fast unless told: `answers<CardAnswer>().to(IssueCardDto, 'gateway')`. */
export function answers<Response extends object>(lane: 'fast' | 'heavy' = 'fast') {
  return {
    to: <Request extends object>(
      request: new () => Request,
      ...callers: readonly ServiceName[]
    ): Pattern<Request, Response> => ({ request, lane, callers }),
  };
}

/** Declares the contract of one service. */
export function defineContract<
  const Name extends ServiceName,
  Patterns extends Record<string, Pattern<never, object> | Pattern<object, object>>,
>(name: Name, patterns: Patterns): { readonly name: Name; readonly patterns: Readonly<Patterns> } {
  return { name, patterns };
}
