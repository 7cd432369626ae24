import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '@puerta/config';
import {
  type Actor,
  type Card,
  cardIssuerContract,
  DomainError,
  identityContract,
  type IssueCardDto,
  type Role,
  tokenServiceContract,
  validateDto,
} from '@puerta/contracts';
import { dataSourceOptions, Inbox, runMigrations } from '@puerta/database';
import {
  BusClient,
  BusServer,
  createBusService,
  type RequestOf,
  type ResponseOf,
  Sealer,
  ServiceClient,
} from '@puerta/messaging';
import { createLogger, InternalServer, Metrics, silentLogger } from '@puerta/observability';
import { type Call, decodeError, startService } from '@puerta/service';
import { FileAddresses, FolderStorage } from '@puerta/storage';
import { createDatabase, testRedisUrl } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { cardIssuer } from '../src/card-issuer';
import { CardAccess } from '../src/cards/card-access';
import { CardStatesService } from '../src/cards/card-states.service';
import { CardView } from '../src/cards/card-view';
import { CardWriter } from '../src/cards/card-writer';
import { CardsService } from '../src/cards/cards.service';
import { CardCodes } from '../src/codes/card-codes';
import { PhotosService } from '../src/photos/photos.service';
import { OrphanFiles } from '../src/photos/orphan-files';
import { ScansService } from '../src/scans/scans.service';
import { identityPart, members, TestIdentity, tokenServicePart, TestTokenService } from './neighbours';

type Patterns = keyof (typeof cardIssuerContract)['patterns'];

export interface AskOptions {
  readonly actor?: Actor | undefined;
  readonly idempotencyKey?: string;
}

export const PUBLIC_URL = 'https://puerta.example.com';

/** The card-issuer on a database and a bus of its own, asked as the gateway asks it. */
export class TestCardIssuer {
  /** Everything the replicas log, at debug level. */
  readonly log: string[] = [];
  private readonly stops: (() => Promise<void>)[] = [];
  private readonly replicas: { stop(): Promise<void> }[] = [];
  private gateway: BusClient;
  /** Asks the neighbours as the card-issuer does. */
  private neighbourly: BusClient;
  private client: ServiceClient<typeof cardIssuerContract>;

  private constructor(
    readonly config: ReturnType<typeof testConfig>,
    /** Straight into the service's schema, for what cannot be reached from outside. */
    readonly database: DataSource,
    /** What the replicas keep files in. */
    readonly storage: FolderStorage,
    readonly addresses: FileAddresses,
  ) {}

  static async start({ replicas = 1 } = {}): Promise<TestCardIssuer> {
    const postgres = await createDatabase();
    const config = testConfig(postgres.url);
    const database = new DataSource(dataSourceOptions({ ...cardIssuer.database(config), applicationName: 'test' }));
    await database.initialize();
    await runMigrations(database);

    const addresses = new FileAddresses(new Sealer(config.BUS_SECRET));
    const storage = await FolderStorage.open({ path: folderOf(config), publicUrl: PUBLIC_URL, addresses });
    const service = new TestCardIssuer(config, database, storage, addresses);
    service.stops.push(
      () => postgres.drop(),
      () => rm(folderOf(config), { recursive: true }),
      () => storage.close(),
      () => database.destroy(),
    );
    const sealer = new Sealer(config.BUS_SECRET);
    const bus = { redis: config.REDIS_BUS_URL, prefix: config.BUS_PREFIX, sealer, logger: silentLogger };
    for (const [module, contract] of [
      [TestIdentity, identityPart],
      [TestTokenService, tokenServicePart],
    ] as const) {
      const neighbour = await createBusService(module, new BusServer({ ...bus, contract, validate: validateDto }), {
        logger: false,
      });
      await neighbour.listen();
      service.stops.push(() => neighbour.close());
    }
    for (let i = 0; i < replicas; i++) await service.addReplica();
    service.gateway = new BusClient({ ...bus, service: 'gateway', decodeError });
    service.stops.push(() => service.gateway.close() as Promise<void>);
    await service.gateway.connect();
    service.neighbourly = new BusClient({ ...bus, service: 'card-issuer', decodeError });
    service.stops.push(() => service.neighbourly.close() as Promise<void>);
    await service.neighbourly.connect();
    service.client = new ServiceClient(service.gateway, cardIssuerContract);
    return service;
  }

  /** @param config of its own, to start it wrongly */
  async addReplica(config = this.config): Promise<void> {
    const name = 'card-issuer';
    const destination = { write: (line: string) => void this.log.push(line) };
    const logger = createLogger({ name, level: 'debug', pretty: false, destination });
    const metrics = new Metrics(name);
    const internal = new InternalServer({ service: name, host: '127.0.0.1', port: 0, metrics, logger });
    const running = await startService(cardIssuer, { name, config, logger, metrics, internal });
    this.replicas.push(running);
  }

  async stopReplicas(): Promise<void> {
    for (const replica of this.replicas.splice(0)) await replica.stop();
  }

  async stop(): Promise<void> {
    await this.stopReplicas();
    for (const stop of this.stops.reverse()) await stop();
  }

  ask<P extends Patterns>(
    pattern: P,
    data: RequestOf<typeof cardIssuerContract, P>,
    options: AskOptions = {},
  ): Promise<ResponseOf<typeof cardIssuerContract, P>> {
    return this.client.request(pattern, data, options);
  }

  /** The same with anything for data. */
  askAnything(pattern: string, data: unknown, options: AskOptions = {}): Promise<unknown> {
    return this.ask(pattern as 'cards.get', data as { card_id: string }, options);
  }

  issue(actor: Actor, more: Partial<IssueCardDto> = {}): Promise<Card> {
    return this.ask('cards.issue', { holder: { name: 'Luis Rojas' }, ...more }, { actor });
  }

  /** Lets a card's time have passed. @returns the card then */
  async expire(card: Card): Promise<Card> {
    const valid_until = '2020-01-01T00:00:00.000Z';
    await this.database.query('UPDATE cards SET valid_until = $2 WHERE id = $1', [card.card_id, valid_until]);
    return { ...card, status: 'expired', valid_until };
  }

  /** The services without the bus between: for messages that are delivered again. */
  direct(): { cards: CardsService; photos: PhotosService; states: CardStatesService; scans: ScansService } {
    const { CARD_ISSUER_CODE_SECRETS: secrets } = this.config;
    const codes = new CardCodes(secrets, PUBLIC_URL);
    const view = new CardView(codes, this.storage);
    const inbox = new Inbox(this.database, secrets.current.key, new Sealer(this.config.BUS_SECRET));
    const identity = new ServiceClient(this.neighbourly, identityContract);
    const access = new CardAccess(this.database, identity);
    const writer = new CardWriter(inbox, access, view);
    return {
      cards: new CardsService(this.database, access, writer, codes, view),
      photos: new PhotosService(this.database, writer, new OrphanFiles(this.database, this.storage), this.storage),
      states: new CardStatesService(access, writer, codes),
      scans: new ScansService(
        this.database,
        new ServiceClient(this.neighbourly, tokenServiceContract),
        this.storage,
        identity,
      ),
    };
  }

  async count(table: string, where = 'TRUE', parameters: unknown[] = []): Promise<number> {
    const rows = await this.database.query<{ n: number }[]>(
      `SELECT count(*)::int AS n FROM ${table} WHERE ${where}`,
      parameters,
    );
    return rows[0]?.n ?? NaN;
  }

  /** The kinds of a card's events, oldest first. */
  async history(card: Card): Promise<string[]> {
    const rows = await this.database.query<{ kind: string }[]>(
      'SELECT kind FROM card_events WHERE card_id = $1 ORDER BY id',
      [card.card_id],
    );
    return rows.map(({ kind }) => kind);
  }
}

function folderOf({ STORAGE_URL: place }: ReturnType<typeof testConfig>): string {
  if (place.kind !== 'folder') throw new Error('tests keep files in a folder');
  return place.path;
}

/** A user who acts in a company; of one of their own unless told. */
export function user(role: Role | null = 'issuer', companyId: string | null = randomUUID()): Actor {
  return { user_id: randomUUID(), session_id: randomUUID(), email: 'ana@example.com', company_id: companyId, role };
}

/** Makes a user a member of that issuer's company, for as long as they act in whichever. @returns the user */
export function joined(holder: Actor, issuer: Actor): Actor {
  members.add(`${holder.user_id} ${issuer.company_id}`);
  return holder;
}

/** The reverse. */
export function removed(holder: Actor, issuer: Actor): void {
  members.delete(`${holder.user_id} ${issuer.company_id}`);
}

/** A message from the gateway, as a handler sees it. */
export function delivery(actor: Actor, pattern: string): Call {
  return { caller: 'gateway', actor, messageId: randomUUID(), pattern, idempotencyKey: undefined };
}

/** The code of the error that a promise rejects with; the value when it does not. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => (error instanceof DomainError ? error.code : error));
}

export function scanCode(card: Card): string {
  return card.scan_url.slice(`${PUBLIC_URL}/scan/`.length);
}

/** @param secrets CARD_ISSUER_CODE_SECRETS */
export function testConfig(databaseUrl: string, secrets = `k1:${randomBytes(32).toString('base64')}`) {
  return loadConfig(cardIssuer.config, {
    NODE_ENV: 'test',
    REDIS_URL: testRedisUrl(),
    BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
    BUS_PREFIX: `t-${randomUUID().slice(0, 8)}`,
    PUBLIC_URL,
    CARD_ISSUER_DATABASE_URL: databaseUrl,
    CARD_ISSUER_CODE_SECRETS: secrets,
    STORAGE_URL: pathToFileURL(join(tmpdir(), `puerta-card-issuer-${randomUUID()}`)).href,
  });
}
