import { loadConfig } from '@puerta/config';
import {
  type Actor,
  type Company,
  type CreateCompanyDto,
  type InviteDto,
  identityContract,
  type LoginAnswer,
  type Role,
  validateDto,
} from '@puerta/contracts';
import { dataSourceOptions, runMigrations } from '@puerta/database';
import {
  BusClient,
  BusServer,
  createBusService,
  InvalidationSubscriber,
  type RequestOf,
  type ResponseOf,
  Sealer,
  ServiceClient,
} from '@puerta/messaging';
import { InternalServer, Metrics, silentLogger } from '@puerta/observability';
import { decodeError, type Running, startService } from '@puerta/service';
import { createDatabase, testRedisUrl, waitFor } from '@puerta/testing';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { type IdentityConfig, identityConfig } from '../src/config';
import { identity as identityService } from '../src/identity';
import { claimsOf, tokenServicePart, TestTokenService } from './token-service';

export type Patterns = keyof (typeof identityContract)['patterns'];

/** What to send along with a question. */
export interface AskOptions {
  readonly actor?: Actor;
  readonly idempotencyKey?: string;
}

export const PASSWORD = 'correct horse battery';

export const newEmail = (): string => `${randomBytes(6).toString('hex')}@example.com`;

/** The identity service on a database and a bus of its own, asked as the gateway asks it. */
export class TestIdentity {
  /** What the service published, in order. */
  readonly published: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[] = [];

  private constructor(
    /** Straight into the service's schema: for what cannot be reached from outside, such as the clock. */
    readonly database: DataSource,
    private readonly environment: Record<string, string>,
    private readonly gateway: BusClient,
    private readonly cardIssuer: BusClient,
    private service: Running,
    private readonly stopOthers: () => Promise<void>,
  ) {}

  get config(): IdentityConfig {
    return loadConfig(identityConfig, this.environment);
  }

  /** @param more of the environment, e.g. `IDENTITY_COMPANY_CREATION` */
  static async start(more: Record<string, string> = {}): Promise<TestIdentity> {
    const postgres = await createDatabase();
    const environment = {
      NODE_ENV: 'test',
      REDIS_URL: testRedisUrl(),
      BUS_SECRET: `b1:${randomBytes(32).toString('base64')}`,
      BUS_PREFIX: `t-${randomUUID().slice(0, 8)}`,
      IDENTITY_DATABASE_URL: postgres.url,
      IDENTITY_SECRET: randomBytes(32).toString('base64'),
      ...more,
    };
    const config = loadConfig(identityConfig, environment);
    const database = new DataSource(
      dataSourceOptions({ ...identityService.database(config), applicationName: 'test' }),
    );
    await database.initialize();
    await runMigrations(database);

    const sealer = new Sealer(config.BUS_SECRET);
    const bus = { redis: config.REDIS_BUS_URL, prefix: config.BUS_PREFIX, sealer, logger: silentLogger };
    const gateway = new BusClient({ ...bus, service: 'gateway', decodeError });
    const cardIssuer = new BusClient({ ...bus, service: 'card-issuer', decodeError });
    const tokenServer = { ...bus, contract: tokenServicePart, validate: validateDto };
    const tokenService = await createBusService(TestTokenService, new BusServer(tokenServer), { logger: false });
    await tokenService.listen();
    const service = await startIdentity(config);
    await Promise.all([gateway.connect(), cardIssuer.connect()]);

    const subscriber = new InvalidationSubscriber({ ...bus, service: 'identity', reader: 'gateway' });
    const identity = new TestIdentity(database, environment, gateway, cardIssuer, service, async () => {
      await tokenService.close();
      await subscriber.close();
      await Promise.all([gateway.close(), cardIssuer.close()]);
      await database.destroy();
      await postgres.drop();
    });
    subscriber.listen({ event: (type, data) => identity.published.push({ type, data }), lost: () => undefined });
    subscriber.connect();
    await waitFor(() => subscriber.fresh);
    return identity;
  }

  /** Starts the service anew, with more of the environment. */
  async restart(more: Record<string, string>): Promise<void> {
    await this.service.stop();
    Object.assign(this.environment, more);
    this.service = await startIdentity(this.config);
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.stopOthers();
  }

  ask<P extends Patterns>(
    pattern: P,
    data: RequestOf<typeof identityContract, P>,
    options: AskOptions = {},
  ): Promise<ResponseOf<typeof identityContract, P>> {
    return new ServiceClient(this.gateway, identityContract).request(pattern, data, options);
  }

  /** Anything, from anybody: what a client of ours would not even send. */
  askAnything(
    pattern: Patterns,
    data: unknown,
    { caller, ...options }: AskOptions & { caller: string },
  ): Promise<unknown> {
    const client = caller === 'gateway' ? this.gateway : this.cardIssuer;
    const { lane } = identityContract.patterns[pattern];
    return client.call({ service: 'identity', pattern, lane }, data as object, options);
  }

  /** A user with a session. */
  register(
    data: Partial<RequestOf<typeof identityContract, 'users.register'>> = {},
    options?: AskOptions,
  ): Promise<LoginAnswer> {
    return this.ask('users.register', { name: 'Ana Pérez', email: newEmail(), password: PASSWORD, ...data }, options);
  }

  /** A company, and its owner acting in it. */
  async found(data: Partial<CreateCompanyDto> = {}): Promise<{ company: Company; owner: Actor; session: LoginAnswer }> {
    const session = await this.register();
    const company = await this.ask('companies.create', { name: 'Universidad', ...data }, { actor: actorOf(session) });
    await this.ask('companies.ensure', { company_id: company.company_id }, { actor: actorOf(session) });
    return { company, owner: actorOf(session, company.company_id, 'owner'), session };
  }

  /** A user who joined a company by an invitation, acting in it. */
  async member(company: Company, owner: Actor, role: Exclude<Role, 'owner'>): Promise<Actor> {
    const email = newEmail();
    const { invitation } = await this.invite(company, owner, role, { email, any_email: false });
    const session = await this.register({ email, invitation });
    return actorOf(session, company.company_id, role);
  }

  /** An invitation for whoever presents it, unless it is told for whom. */
  invite(company: Company, inviter: Actor, role: Role, more: Partial<InviteDto> = {}) {
    const data = { company_id: company.company_id, email: 'guest@example.com', role, any_email: true, ...more };
    return this.ask('invitations.create', data, { actor: inviter });
  }
}

/** The actor that the gateway would state for an access token. */
export function actorOf(
  session: LoginAnswer,
  companyId: string | null = session.company_id,
  role: Role | null = session.roles[0] ?? null,
): Actor {
  const { sub, sid, email } = claimsOf(session.access_token);
  return { user_id: sub, session_id: sid, email, company_id: companyId, role };
}

/** The service itself, on a database that is migrated. */
function startIdentity(config: IdentityConfig): Promise<Running> {
  const name = identityConfig.app;
  const metrics = new Metrics(name);
  const internal = new InternalServer({ service: name, host: '127.0.0.1', port: 0, metrics, logger: silentLogger });
  return startService(identityService, { name, config, logger: silentLogger, metrics, internal });
}
