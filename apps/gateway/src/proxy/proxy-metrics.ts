import type { Metrics } from '@puerta/observability';
import type { ConnectionPool } from './connection-pool';
import { LIVE_KINDS, type LiveConnections } from './live-connections';
import type { Upstream } from './upstream';

const STATES = ['closed', 'half_open', 'open'] as const;

export interface Measured {
  readonly upstreams: readonly Upstream[];
  readonly pool: ConnectionPool;
  readonly live: LiveConnections;
}

/** What the proxy counts, by upstream: their names come from the configuration, so there are few. */
export function measureProxy(metrics: Metrics, { upstreams, pool, live }: Measured): void {
  metrics.gauges(
    'puerta_live_connections',
    'WebSockets, answers of events, and other answers that take long',
    ['kind'],
    async () => LIVE_KINDS.map((kind) => [{ kind }, live.counts[kind]] as const),
  );
  metrics.gauges(
    'puerta_upstream_connections',
    'Connections to services behind the gateway, and requests that wait for one',
    ['state'],
    async () => Object.entries(pool.counts).map(([state, count]) => [{ state }, count] as const),
  );
  metrics.gauges(
    'puerta_upstream_servers',
    'Servers of services behind the gateway, by the state of their circuit breaker',
    ['upstream', 'state'],
    async () =>
      upstreams.flatMap(({ options: { name }, targets }) =>
        STATES.map((state) => {
          const count = targets.filter(({ breaker }) => breaker.state === state).length;
          return [{ upstream: name, state }, count] as const;
        }),
      ),
  );
  metrics.counts(
    'puerta_upstream_failures_total',
    'Requests to a server behind the gateway that it did not answer, or not to the end',
    ['upstream', 'reason'],
    () =>
      upstreams.flatMap(({ options: { name }, failures }) =>
        Object.entries(failures).map(([reason, count]) => [{ upstream: name, reason }, count] as const),
      ),
  );
  metrics.counts(
    'puerta_upstream_retries_total',
    'Requests that were sent again to a service behind the gateway',
    ['upstream'],
    () => upstreams.map(({ options: { name }, retries }) => [{ upstream: name }, retries] as const),
  );
}
