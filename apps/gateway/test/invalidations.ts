import { InvalidationPublisher } from '@puerta/messaging';
import { silentLogger } from '@puerta/observability';
import { waitFor } from '@puerta/testing';
import type { TestGateway } from './test-gateway';

const HEARTBEAT_MS = 250;

/** Identity's invalidations, told by the real publisher over the real Redis: with them a gateway keeps what it knows. */
export class TestInvalidations {
  #heartbeats: NodeJS.Timeout | undefined;

  private constructor(private readonly publisher: InvalidationPublisher) {}

  static async start(gateway: TestGateway, prefix: string): Promise<TestInvalidations> {
    const redis = process.env['PUERTA_TEST_REDIS_URL'] as string;
    const publisher = new InvalidationPublisher({ redis, prefix, service: 'identity', logger: silentLogger });
    publisher.connect();
    const invalidations = new TestInvalidations(publisher);
    await waitFor(() => publisher.ready);
    invalidations.speak();
    await waitFor(async () => /puerta_invalidation_streams_fresh\S* 1/.test(await gateway.metrics.registry.metrics()));
    return invalidations;
  }

  speak(): void {
    const beat = (): void => void this.publisher.publishHeartbeat(async () => 0).catch(() => undefined);
    this.#heartbeats ??= setInterval(beat, HEARTBEAT_MS);
  }

  /** From now on nobody hears whether anything has changed. */
  fallSilent(): void {
    clearInterval(this.#heartbeats);
    this.#heartbeats = undefined;
  }

  async tell(userId: string): Promise<void> {
    await this.publisher.publish([{ type: 'user.changed', data: { user_id: userId } }]);
  }

  stop(): void {
    this.fallSilent();
    this.publisher.close();
  }
}
