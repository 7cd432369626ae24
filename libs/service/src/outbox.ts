import { type DynamicModule, Injectable, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type EventType, identityContract, invalidationsOf } from '@puerta/contracts';
import { OutboxRelay, outboxState, type OutboxState, type WaitingEvent } from '@puerta/database';
import { BusClient, InvalidationPublisher, ServiceClient, throttled } from '@puerta/messaging';
import type { Logger } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { busOptions } from './bus';
import type { Runtime } from './process';

/** Heartbeats of the invalidation stream come this often from each replica, or another's does for it. */
const HEARTBEAT_MS = 200;
const OBSERVE_MS = 5_000;
const COMPLAIN_MS = 10_000;
/** Less than PostgreSQL lets a transaction stand idle. */
const ACTIVITY_TTL_MS = 4_000;

/** Runs a relay for as long as the application runs: handlers that drain at the end still have their events told. */
@Injectable()
abstract class RelayLife implements OnApplicationBootstrap, OnModuleDestroy {
  protected abstract readonly relay: Pick<OutboxRelay, 'start' | 'stop'>;

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.relay.stop();
  }
}

/** Publishes what has changed to the invalidation stream of this service. */
class InvalidationRelay extends RelayLife {
  protected readonly relay: OutboxRelay;
  private lastHeartbeat = -Infinity;

  constructor(
    dataSource: DataSource,
    private readonly publisher: InvalidationPublisher,
    types: readonly EventType[],
    logger: Logger,
  ) {
    super();
    this.relay = new OutboxRelay(dataSource, {
      types,
      deliver: async (events) => {
        await publisher.publish(events);
        return events;
      },
      ready: () => publisher.ready,
      looked: (holds) => this.heartbeat(holds),
      onError: complainer(logger, 'the invalidation stream cannot be written'),
    });
  }

  override onApplicationBootstrap(): void {
    this.publisher.connect();
    super.onApplicationBootstrap();
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    this.publisher.close();
  }

  private async heartbeat(holds: () => Promise<boolean>): Promise<void> {
    const now = performance.now();
    if (now - this.lastHeartbeat < HEARTBEAT_MS) return;
    this.lastHeartbeat = now;
    await this.publisher.publishHeartbeat(holds);
  }
}

/** Hands what was done here to identity, which keeps the activity trail. */
class ActivityRelay extends RelayLife {
  protected readonly relay: OutboxRelay<'activity'>;

  constructor(dataSource: DataSource, bus: BusClient, logger: Logger) {
    super();
    const identity = new ServiceClient(bus, identityContract);
    const complain = complainer(logger, 'the activity trail cannot be written');
    const record = async (event: WaitingEvent<'activity'>): Promise<WaitingEvent<'activity'> | undefined> => {
      try {
        await identity.request('activity.record', event.data, { ttlMs: ACTIVITY_TTL_MS });
        return event;
      } catch (error) {
        complain(error);
        return undefined;
      }
    };
    this.relay = new OutboxRelay(dataSource, {
      types: ['activity'],
      deliver: async (events) => (await Promise.all(events.map(record))).filter((event) => event !== undefined),
      ready: () => bus.ready,
      onError: complain,
    });
  }
}

/** Shows how much a service has left to tell: it grows while nobody takes it. */
@Injectable()
class OutboxGauges implements OnApplicationBootstrap, OnModuleDestroy {
  private state: OutboxState = { rows: 0, oldestSeconds: 0 };
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly dataSource: DataSource,
    { metrics }: Pick<Runtime, 'metrics'>,
  ) {
    metrics.gauge('puerta_outbox_rows', 'Events that wait to be told to other services', () => this.state.rows);
    metrics.gauge('puerta_outbox_oldest_seconds', 'Age of the oldest of them', () => this.state.oldestSeconds);
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.look(), OBSERVE_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    this.state = await outboxState(this.dataSource).catch(() => this.state);
  }
}

/** Publishes the outbox of a service: to its invalidation stream, and to the activity trail. */
@Module({})
export class OutboxModule {
  static forRoot(service: string, runtime: Runtime): DynamicModule {
    const types = invalidationsOf(service);
    const records = (identityContract.patterns['activity.record'].callers as readonly string[]).includes(service);
    const invalidations = {
      provide: InvalidationRelay,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) =>
        new InvalidationRelay(dataSource, new InvalidationPublisher({ ...busOptions(runtime), service }), types, runtime.logger),
    };
    const activity = {
      provide: ActivityRelay,
      inject: [DataSource, BusClient],
      useFactory: (dataSource: DataSource, bus: BusClient) => new ActivityRelay(dataSource, bus, runtime.logger),
    };
    const gauges = {
      provide: OutboxGauges,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => new OutboxGauges(dataSource, runtime),
    };
    const relays = [...(types.length > 0 ? [invalidations] : []), ...(records ? [activity] : [])];
    return { module: OutboxModule, providers: relays.length > 0 ? [...relays, gauges] : [] };
  }
}

function complainer(logger: Logger, message: string): (error: unknown) => void {
  return throttled(COMPLAIN_MS, (error: unknown) => logger.warn(message, { error }));
}
