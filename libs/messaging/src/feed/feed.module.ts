import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { FeedReader, type FeedReaderOptions } from './feed-reader';

const FEEDS = Symbol('feeds');

/** The application starts without its feeds, too: then nothing is kept until they speak. */
@Injectable()
class FeedLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(FEEDS) private readonly feeds: readonly FeedReader[]) {}

  onModuleInit(): void {
    for (const feed of this.feeds) feed.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.close()));
  }
}

export interface FeedModuleOptions extends Omit<FeedReaderOptions, 'service'> {
  /** The services whose feeds are read: each gets a `FeedReader`, injected with `@InjectFeed(service)`. */
  readonly services: readonly string[];
}

/** Provides the feeds of other services to the whole application. */
@Module({})
export class FeedModule {
  static forRoot({ services, ...options }: FeedModuleOptions): DynamicModule {
    const readers = services.map(
      (service): Provider => ({ provide: feedToken(service), useFactory: () => new FeedReader({ ...options, service }) }),
    );
    return {
      module: FeedModule,
      global: true,
      providers: [
        ...readers,
        { provide: FEEDS, inject: services.map(feedToken), useFactory: (...feeds: FeedReader[]) => feeds },
        FeedLifecycle,
      ],
      exports: services.map(feedToken),
    };
  }
}

/** What to inject for the feed of a service that `FeedModule.forRoot` was given. */
export function feedToken(service: string): string {
  return `feed:${service}`;
}
