import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { InvalidationSubscriber, type InvalidationSubscriberOptions } from './invalidation-subscriber';

const SUBSCRIBERS = Symbol('invalidation subscribers');

/** The application starts without the streams, too: then nothing is cached until they are read. */
@Injectable()
class InvalidationLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(SUBSCRIBERS) private readonly subscribers: readonly InvalidationSubscriber[]) {}

  onModuleInit(): void {
    for (const subscriber of this.subscribers) subscriber.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.subscribers.map((subscriber) => subscriber.close()));
  }
}

export interface InvalidationModuleOptions extends Omit<InvalidationSubscriberOptions, 'service'> {
  /** The services whose invalidations are read: each gets an `InvalidationSubscriber`, injected by `invalidationsOfService(service)`. */
  readonly services: readonly string[];
}

/** Provides the subscribers to other services to the whole application. */
@Module({})
export class InvalidationModule {
  static forRoot({ services, ...options }: InvalidationModuleOptions): DynamicModule {
    const readers = services.map(
      (service): Provider => ({ provide: invalidationsOfService(service), useFactory: () => new InvalidationSubscriber({ ...options, service }) }),
    );
    return {
      module: InvalidationModule,
      global: true,
      providers: [
        ...readers,
        { provide: SUBSCRIBERS, inject: services.map(invalidationsOfService), useFactory: (...subscribers: InvalidationSubscriber[]) => subscribers },
        InvalidationLifecycle,
      ],
      exports: services.map(invalidationsOfService),
    };
  }
}

/** What to inject for the invalidations of a service that `InvalidationModule.forRoot` was given. */
export function invalidationsOfService(service: string): string {
  return `invalidations:${service}`;
}
