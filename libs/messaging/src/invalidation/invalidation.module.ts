import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { InvalidationSubscriber, type InvalidationSubscriberOptions } from './invalidation-subscriber';

export interface InvalidationModuleOptions extends Omit<InvalidationSubscriberOptions, 'service'> {
  /** The services whose invalidations are read: each gets an `InvalidationSubscriber`, injected by `invalidationsOfService(service)`. */
  readonly services: readonly string[];
}

/** Provides the subscribers to other services to the whole application. */
@Module({})
export class InvalidationModule {
  static forRoot({ services, ...options }: InvalidationModuleOptions): DynamicModule {
    const subscribers = services.map((service): Provider => ({
      provide: invalidationsOfService(service),
      useFactory: () => new InvalidationSubscriber({ ...options, service }),
    }));
    return {
      module: InvalidationModule,
      global: true,
      providers: subscribers,
      exports: services.map(invalidationsOfService),
    };
  }
}

/** What to inject for the invalidations of a service that `InvalidationModule.forRoot` was given. */
export function invalidationsOfService(service: string): string {
  return `invalidations:${service}`;
}
