import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { freePort } from '../../../tools/embedded/process.mjs';
import { provisionRedis, redisUser, redisUsers, removeRedisUsers } from '../../../tools/embedded/redis-users.mjs';
import {
  APPS,
  appEnvironment,
  hasDatabase,
  migrateApp,
  newPasswords,
  newSecrets,
  SERVICES,
  startApp,
  type App,
  type AppProcess,
  type DatabaseUrls,
  type Secrets,
} from '../../../tools/embedded/services.mjs';
import { temporaryFolder } from '../../../tools/embedded/server.mjs';
import { testDatabaseUrl, testRedisUrl, type TestDatabase } from './database';
import { HttpClient } from './http';
import { migratedDatabase } from './migrated-database';
import type { RedisServers } from './redis-servers';

const WORKSPACE = resolve(__dirname, '../../..');

/** Four apps and a database on two busy cores. */
const READY_MS = 60_000;

export interface PuertaOptions {
  /** How many of each; default 1. */
  replicas?: Partial<Record<App, number>>;
  /** Beside and above what every app gets. */
  env?: Record<string, string>;
  /** The same of one replica. */
  envOf?: (app: App, n: number, env: Readonly<Record<string, string>>) => Record<string, string>;
  /** A URL, or servers that replace each other; default: the shared one, under a key prefix of this installation's own. */
  redis?: string | RedisServers;
  /** The superuser URL of a server to make a database in; default: the shared one. */
  databaseUrl?: string;
  /** Where `dist/bundles` is; default: here. */
  workspace?: string;
}

/** One process of one app. Its address stays over restarts. */
export class Replica {
  private process?: AppProcess;
  private output = '';

  constructor(
    readonly app: App,
    private readonly env: Record<string, string>,
    private readonly workspace: string,
    readonly internalPort: number,
    /** The gateway's public address; the others have none. */
    readonly url: string | undefined,
  ) {}

  get pid(): number | undefined {
    return this.process?.pid;
  }

  get runs(): boolean {
    return this.process !== undefined;
  }

  /** Everything it has written, over all its lives. */
  get logs(): string {
    return this.output;
  }

  /** The port that answers `/health`, `/health/ready` and `/metrics`. */
  get internal(): HttpClient {
    return new HttpClient(`http://127.0.0.1:${this.internalPort}`, { described: false });
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    this.process = startApp({
      workspace: this.workspace,
      app: this.app,
      env: this.env,
      internalPort: this.internalPort,
      log: (chunk) => (this.output += chunk.toString()),
    });
    try {
      await this.process.ready(READY_MS);
    } catch (error) {
      await this.process.kill();
      throw new Error(`${(error as Error).message}\n${this.output.slice(-4000)}`);
    }
  }

  /** SIGTERM; waits until it has drained and gone. */
  async stop(): Promise<void> {
    await this.process?.stop();
    delete this.process;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.process?.kill();
    delete this.process;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** A whole installation, from `dist/`, with a database, a key prefix and secrets of its own. */
export class Puerta {
  constructor(
    readonly replicas: Readonly<Record<App, Replica[]>>,
    /** Each service's own; {@link database} has the superuser's. */
    readonly databaseUrls: DatabaseUrls,
    readonly database: TestDatabase,
    /** Each app's own; {@link redisUrl} is that of who may do everything. */
    readonly redisUrls: Readonly<Record<App, string>>,
    readonly redisUrl: string,
    readonly busPrefix: string,
    /** What was generated for it: to look for in logs, or to forge with. */
    readonly secrets: Secrets,
    /** Where its files are. */
    readonly filesFolder: string,
  ) {}

  /** The first gateway's address. */
  get url(): string {
    return this.gateway().url ?? '';
  }

  /** Paths from `/` on, at the n-th gateway. */
  http(n = 0): HttpClient {
    return new HttpClient(this.gateway(n).url ?? '');
  }

  /** Paths below `/api/v1`, at the n-th gateway. */
  api(n = 0): HttpClient {
    return new HttpClient(`${this.gateway(n).url}/api/v1`);
  }

  all(): Replica[] {
    return Object.values(this.replicas).flat();
  }

  /** Everything that every replica has written. */
  get logs(): string {
    return this.all()
      .map((replica) => replica.logs)
      .join('\n');
  }

  /** Ends all replicas, drops the database and removes the files. */
  async stop(): Promise<void> {
    await Promise.all(this.all().map((replica) => replica.stop()));
    // Servers that replace each other are one suite's own, and their users go with them.
    // A Redis of the suite's own may be gone by now.
    if (/^rediss?:/.test(this.redisUrl)) await removeRedisUsers(this.redisUrl, this.busPrefix).catch(() => undefined);
    await this.database.drop();
    await rm(this.filesFolder, { recursive: true, force: true });
  }

  private gateway(n = 0): Replica {
    const replica = this.replicas.gateway[n];
    if (!replica) throw new Error(`there is no gateway ${n}`);
    return replica;
  }
}

/**
 * Migrates and starts the apps, and waits until each is ready.
 *
 * @throws with the last lines of its log when an app does not come up; nothing is left running then
 */
export async function startPuerta(options: PuertaOptions = {}): Promise<Puerta> {
  const {
    replicas = {},
    env = {},
    envOf = () => ({}),
    redis = testRedisUrl(),
    databaseUrl = testDatabaseUrl(),
    workspace = WORKSPACE,
  } = options;
  const secrets = newSecrets();
  const busPrefix = `bus-${randomBytes(6).toString('hex')}`;
  const filesFolder = temporaryFolder('files');
  const [redisUrl, redisUrls] = await usersOf(redis, busPrefix);
  const ports = await Promise.all(Array.from({ length: replicas.gateway ?? 1 }, () => freePort()));
  const publicUrl = `http://127.0.0.1:${ports[0]}`;

  const environmentOf = (app: App, urls: DatabaseUrls): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'test',
    LOG_LEVEL: 'info',
    BUS_PREFIX: busPrefix,
    GATEWAY_RATE_LIMIT: 'off',
    HOST: '127.0.0.1',
    ...appEnvironment(app, { redisUrls, databaseUrls: urls, secrets, publicUrl, filesFolder }),
    ...env,
  });
  const migrate = (urls: DatabaseUrls) =>
    Promise.all(
      APPS.filter(hasDatabase).map((app) =>
        migrateApp({ workspace, app, env: environmentOf(app, urls), log: () => {} }),
      ),
    );
  const [database, databaseUrls] = await migratedDatabase(databaseUrl, migrate);

  const started = Object.fromEntries(
    await Promise.all(
      APPS.map(async (app) => {
        const list = await Promise.all(
          Array.from({ length: replicas[app] ?? 1 }, async (_, n) => {
            const port = SERVICES[app].port ? ports[n] : undefined;
            const own: Record<string, string> = port === undefined ? {} : { PORT: String(port) };
            const url = port === undefined ? undefined : `http://127.0.0.1:${port}`;
            const shared = environmentOf(app, databaseUrls);
            return new Replica(app, { ...shared, ...own, ...envOf(app, n, shared) }, workspace, await freePort(), url);
          }),
        );
        return [app, list] as const;
      }),
    ),
  ) as Record<App, Replica[]>;

  const puerta = new Puerta(started, databaseUrls, database, redisUrls, redisUrl, busPrefix, secrets, filesFolder);
  const results = await Promise.allSettled(puerta.all().map((replica) => replica.start()));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await puerta.stop();
    throw failed.reason;
  }
  return puerta;
}

/** A user for each app. @returns the URL of who may do everything, and each app's own */
async function usersOf(redis: string | RedisServers, prefix: string): Promise<[string, Record<App, string>]> {
  const passwords = newPasswords(APPS);
  if (typeof redis === 'string') return [redis, await provisionRedis(redis, { prefix, passwords })];
  const users = redisUsers(prefix, passwords);
  await Promise.all(APPS.map((app) => redis.setUser(...users[app])));
  const urls = APPS.map((app) => [app, redis.url({ user: redisUser(prefix, app), password: passwords[app] })]);
  return [redis.url(), Object.fromEntries(urls) as Record<App, string>];
}
