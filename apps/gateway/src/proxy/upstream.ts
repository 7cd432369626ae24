import type { Route } from '../routes/routes';
import { CircuitBreaker, type Admission } from './circuit-breaker';
import type { ConnectionTarget } from './connection-pool';
import type { PathRule } from './proxied-path';
import type { ProxyRoute } from '../routes/proxy-route';

/** One server of an upstream. */
export interface Target extends ConnectionTarget {
  readonly breaker: CircuitBreaker;
}

/** A route of the proxy while the gateway runs: what is decided about it, and how its servers are doing. */
export class Upstream {
  readonly targets: readonly Target[];
  /** How often a server did not answer: it could not be reached or broke off, was late, or broke off within its answer. */
  readonly failures = { unreachable: 0, timeout: 0, broke_off: 0 };
  retries = 0;
  #next = 0;

  constructor(
    readonly options: ProxyRoute,
    readonly route: Route,
    /** For {@link checkPath}. */
    readonly rivals: readonly PathRule[],
  ) {
    this.targets = options.targets.map((origin) => ({
      origin,
      connectMs: options.timeouts.connectMs,
      breaker: new CircuitBreaker(),
    }));
  }

  /** The next server in turn that may be asked; else for how many milliseconds none may be. */
  pick(): { readonly target: Target; readonly admission: Admission } | { readonly waitMs: number } {
    const { length } = this.targets;
    for (let tried = 0; tried < length; tried++) {
      const target = this.targets[this.#next++ % length] as Target;
      const admission = target.breaker.admit();
      if (admission) return { target, admission };
    }
    return { waitMs: Math.min(...this.targets.map(({ breaker }) => breaker.waitMs)) };
  }
}
