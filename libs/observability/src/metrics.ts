import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from a cached answer to the longest time to live of a message. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How it stands with the messages to one service. */
export interface BusStatus {
  readonly replicas: number;
  readonly deadLetters: number;
  readonly streams: readonly {
    readonly caller: string;
    readonly lane: string;
    readonly waiting: number;
    readonly pending: number;
    readonly oldestMs: number;
  }[];
}

/** What one process counts and times, in a registry of its own. */
export class Metrics {
  readonly registry = new Registry();

  readonly #http = this.#histogram('puerta_http_request_duration_seconds', 'Time to answer an HTTP request', [
    'method',
    'route',
    'status',
  ]);
  /** Messages that were handled here. `outcome` is `ok` or the code of the error: a closed list, so that label values stay few. */
  readonly busHandled = this.#histogram('puerta_bus_handle_duration_seconds', 'Time to handle a message of the bus', [
    'pattern',
    'outcome',
  ]);

  /** Calls to other services that were settled. */
  readonly busCalled = this.#histogram(
    'puerta_bus_call_duration_seconds',
    'Time until a call over the bus was settled',
    ['callee', 'pattern', 'outcome'],
  );

  readonly busReclaimed = this.counter('puerta_bus_reclaimed_total', 'Messages taken over from dead replicas', [
    'lane',
  ]);
  readonly busDeadLetters = this.counter(
    'puerta_bus_dead_letters_total',
    'Messages that were given up, now dead letters',
    ['pattern'],
  );
  readonly busDropped = this.counter(
    'puerta_bus_dropped_total',
    'Messages and answers that were not sealed with our keys',
    ['what', 'peer'],
  );
  readonly busConnectionsLost = this.counter(
    'puerta_bus_connections_lost_total',
    'Connections of the bus to Redis that were lost',
  );

  /** @param service labels every metric of this process */
  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
  }

  /** @param request `route` is the pattern (`/cards/:id`), never the address */
  httpRequest(request: { method: string; route: string; status: number }, seconds: number): void {
    this.#http.observe(request, seconds);
  }

  /** A counter of one's own; labels take values of closed lists only. */
  counter<const Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** Like a counter, of what somebody else counts: read whenever somebody looks. */
  counts<const Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => readonly (readonly [Readonly<Record<Label, string>>, number])[],
  ): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  }

  /** Values that are asked for whenever somebody looks; none while they cannot be told. */
  gauges<const Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => Promise<readonly (readonly [Readonly<Record<Label, string>>, number])[]>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      async collect() {
        const values = await read().catch(() => []);
        this.reset();
        for (const [labels, value] of values) this.set(labels, value);
      },
    });
  }

  /** How it stands with the service's streams, read when somebody looks; while it cannot be read, there are no values. */
  busStatus(read: () => Promise<BusStatus>): void {
    let reading: Promise<BusStatus> | undefined;
    // All are collected at once, and one reading is enough for all.
    const once = (): Promise<BusStatus> =>
      (reading ??= read().finally(() => setImmediate(() => (reading = undefined))));
    const gauge = <const Label extends string>(
      name: string,
      help: string,
      labelNames: readonly Label[],
      values: (status: BusStatus) => (readonly [Record<Label, string>, number])[],
    ): void => this.gauges(name, help, labelNames, async () => values(await once()));
    gauge('puerta_bus_replicas', 'Replicas of this service that take messages', [], ({ replicas }) => [[{}, replicas]]);
    gauge('puerta_bus_dead_letters', 'Messages that were given up and wait for an operator', [], ({ deadLetters }) => [
      [{}, deadLetters],
    ]);
    const states = ['waiting', 'pending'] as const;
    gauge(
      'puerta_bus_messages',
      'Messages to this service, by whether a replica has them',
      ['caller', 'lane', 'state'],
      (status) =>
        status.streams.flatMap(({ caller, lane, ...stream }) =>
          states.map((state) => [{ caller, lane, state }, stream[state]] as const),
        ),
    );
    gauge(
      'puerta_bus_oldest_message_seconds',
      'Age of the oldest message to this service',
      ['caller', 'lane'],
      (status) => status.streams.map(({ caller, lane, oldestMs }) => [{ caller, lane }, oldestMs / 1_000] as const),
    );
  }

  /** A value that is read whenever somebody looks. */
  gauge(name: string, help: string, read: () => number): void {
    this.gauges(name, help, [], async () => [[{}, read()]]);
  }

  #histogram<const Label extends string>(name: string, help: string, labelNames: readonly Label[]): Histogram<Label> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: BUCKETS, registers: [this.registry] });
  }
}
