import {
  type DynamicModule,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { type EventType, identityContract, invalidationsOf } from '@puerta/contracts';
import { OutboxRelay, outboxState, type OutboxState, type WaitingEvent } from '@puerta/database';
import { BusClient, HEARTBEAT_MS, InvalidationPublisher, ServiceClient, throttled } from '@puerta/messaging';
import type { Logger, Metrics } from '@puerta/observability';
import { DataSource } from 'typeorm';
import { busOptions } from './bus';
import type { Runtime } from './process';

/** How soon a replica finds what another one that died has left to record. */
const ACTIVITY_POLL_MS = 15_000;
const COMPLAIN_MS = 10_000;
/** Timers may come a little early. */
const EARLY_MS = 50;
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
      pollMs: HEARTBEAT_MS,
      round: (look, poked) => this.round(look, poked),
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

  /** A look for a heartbeat publishes too; but what was committed here does not wait for one. */
  private async round(look: () => Promise<number>, poked: boolean): Promise<boolean> {
    if (poked) await look();
    const now = performance.now();
    if (now - this.lastHeartbeat < HEARTBEAT_MS - EARLY_MS) return true;
    this.lastHeartbeat = now;
    const said = await this.publisher.publishHeartbeat(look);
    if (!said) this.lastHeartbeat = -Infinity;
    return said;
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
      pollMs: ACTIVITY_POLL_MS,
      onError: complain,
    });
  }
}

/** Shows how much a service has left to tell: it grows while nobody takes it. */
function measureOutbox(dataSource: DataSource, metrics: Metrics): void {
  const gauge = (name: string, help: string, what: keyof OutboxState) =>
    metrics.gauges(name, help, [], async () => [[{}, (await outboxState(dataSource))[what]]]);
  gauge('puerta_outbox_rows', 'Events that wait to be told to other services', 'rows');
  gauge('puerta_outbox_oldest_seconds', 'Age of the oldest of them', 'oldestSeconds');
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
        new InvalidationRelay(
          dataSource,
          new InvalidationPublisher({ ...busOptions(runtime), service }),
          types,
          runtime.logger,
        ),
    };
    const activity = {
      provide: ActivityRelay,
      inject: [DataSource, BusClient],
      useFactory: (dataSource: DataSource, bus: BusClient) => new ActivityRelay(dataSource, bus, runtime.logger),
    };
    const gauges = {
      provide: measureOutbox,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => measureOutbox(dataSource, runtime.metrics) ?? true,
    };
    const relays = [...(types.length > 0 ? [invalidations] : []), ...(records ? [activity] : [])];
    return { module: OutboxModule, providers: relays.length > 0 ? [...relays, gauges] : [] };
  }
}

function complainer(logger: Logger, message: string): (error: unknown) => void {
  return throttled(COMPLAIN_MS, (error: unknown) => logger.warn(message, { error }));
}
