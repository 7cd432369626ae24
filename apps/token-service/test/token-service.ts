import { loadConfig } from '@puerta/config';
import { type ServiceName, tokenServiceContract } from '@puerta/contracts';
import { dataSourceOptions, runMigrations } from '@puerta/database';
import { BusClient, InvalidationSubscriber, Sealer, ServiceClient } from '@puerta/messaging';
import { InternalServer, Metrics, silentLogger } from '@puerta/observability';
import { decodeError, type Running, startService } from '@puerta/service';
import { createDatabase, type TestDatabase, testRedisUrl } from '@puerta/testing';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { type TokenServiceConfig, tokenServiceConfig } from '../src/config';
import { KeyTools } from '../src/keys/key-tools';
import { tokenService } from '../src/token-service';

export const ISSUER = 'https://puerta.example.com';

/** An encryption key as an operator makes one. */
export const newEncryptionKey = (): string => randomBytes(32).toString('base64');

/** Replicas of the token service on a migrated database and a bus of their own. */
export class TestTokenService {
  private readonly clients: BusClient[] = [];
  private readonly running: Running[] = [];
  private readonly subscribers: InvalidationSubscriber[] = [];
  private readonly opened: KeyTools[] = [];

  private constructor(
    private readonly postgres: TestDatabase,
    /** Straight into the service's schema. */
    readonly database: DataSource,
    private readonly environment: Record<string, string>,
  ) {}

  static async create(): Promise<TestTokenService> {
    const postgres = await createDatabase();
    const environment = {
      NODE_ENV: 'test',
      REDIS_URL: testRedisUrl(),
      BUS_SECRET: `b1:${newEncryptionKey()}`,
      BUS_PREFIX: `t-${randomUUID().slice(0, 8)}`,
      TOKEN_SERVICE_DATABASE_URL: postgres.url,
      TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `k1:${newEncryptionKey()}`,
      PUBLIC_URL: ISSUER,
    };
    const config = loadConfig(tokenServiceConfig, environment);
    const database = new DataSource(dataSourceOptions({ ...tokenService.database(config), applicationName: 'test' }));
    await database.initialize();
    await runMigrations(database);
    return new TestTokenService(postgres, database, environment);
  }

  config(changes: Record<string, string> = {}): TokenServiceConfig {
    return loadConfig(tokenServiceConfig, { ...this.environment, ...changes });
  }

  /** One more replica. */
  async start(changes: Record<string, string> = {}): Promise<Running> {
    const config = this.config(changes);
    const name = tokenServiceConfig.app;
    const metrics = new Metrics(name);
    const internal = new InternalServer({ service: name, host: '127.0.0.1', port: 0, metrics, logger: silentLogger });
    const running = await startService(tokenService, { name, config, logger: silentLogger, metrics, internal });
    this.running.push(running);
    return running;
  }

  /** The keys as an operator has them; each with a connection of its own. */
  async tools(changes: Record<string, string> = {}): Promise<KeyTools> {
    const tools = await KeyTools.open(this.config(changes));
    this.opened.push(tools);
    return tools;
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.splice(0).map((running) => running.stop()));
  }

  /** Asks as that service does. */
  async as(caller: ServiceName): Promise<ServiceClient<typeof tokenServiceContract>> {
    const { REDIS_BUS_URL: redis, BUS_PREFIX: prefix, BUS_SECRET } = this.config();
    const client = new BusClient({
      redis,
      prefix,
      sealer: new Sealer(BUS_SECRET),
      logger: silentLogger,
      service: caller,
      decodeError,
    });
    this.clients.push(client);
    await client.connect();
    return new ServiceClient(client, tokenServiceContract);
  }

  /** What the replicas publish from now on. */
  async subscribe(): Promise<{ subscriber: InvalidationSubscriber; events: string[] }> {
    const { REDIS_BUS_URL: redis, BUS_PREFIX: prefix } = this.config();
    const subscriber = new InvalidationSubscriber({
      redis,
      prefix,
      logger: silentLogger,
      service: 'token-service',
      reader: 'gateway',
    });
    const events: string[] = [];
    subscriber.listen({ event: (type) => events.push(type), lost: () => undefined });
    subscriber.connect();
    this.subscribers.push(subscriber);
    return { subscriber, events };
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all(this.opened.map((tools) => tools.close()));
    await Promise.all(this.subscribers.map((subscriber) => subscriber.close()));
    await Promise.all(this.clients.map((client) => client.close()));
    await this.database.destroy();
    await this.postgres.drop();
  }
}
