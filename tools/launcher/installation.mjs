// @ts-check
/** Everything that runs while `npm start` does. Imported once the packages are there. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { built } from '../embedded/built.mjs';
import { ensureDatabase, provision } from '../embedded/databases.mjs';
import { areUpToDate } from '../embedded/migrations.mjs';
import { startPostgres } from '../embedded/postgres.mjs';
import { provisionRedis } from '../embedded/redis-users.mjs';
import { startRedis } from '../embedded/redis.mjs';
import { APPS, appEnvironment, byName, migrateApp, OWNERS, startApp } from '../embedded/services.mjs';
import { localNetworkAddress } from './addresses.mjs';
import { printBanner } from './banner.mjs';
import { keptSecrets, PROCESSES } from './data-folder.mjs';
import { ensureDemo } from './demo.mjs';
import { planDemoServices, startDemoService } from './demo-services.mjs';
import { EmbeddedServers } from './embedded-servers.mjs';
import { environmentOf, refuseBadConfiguration } from './environment.mjs';
import { Logs } from './logs.mjs';
import { Refusal } from './stopped.mjs';
import { Supervisor } from './supervisor.mjs';
import { build, WORKSPACE } from './workspace.mjs';

/** @typedef {import('../embedded/services.mjs').App} App */
/** @typedef {import('../embedded/services.mjs').Surroundings} Surroundings */

/** In the embedded PostgreSQL; in one of yours, the URL names it. */
const DATABASE = 'puerta';

/** An external server that does not answer by then is away. */
const REACH_MS = 5_000;

export class Installation {
  /** @type {Promise<unknown> | undefined} */
  #running;
  /** @type {import('./demo-services.mjs').DemoServices} */
  #demoServices = { running: [], gateway: {}, lacking: [] };

  /**
   * @param {import('./options.mjs').Options} options
   * @param {NodeJS.ProcessEnv} env
   * @param {import('./terminal.mjs').Terminal} terminal
   * @param {AbortSignal} signal ends what is under way
   */
  constructor(options, env, terminal, signal) {
    this.options = options;
    this.env = env;
    this.terminal = terminal;
    this.signal = signal;
    this.kept = keptSecrets(options.data); // before all else that comes into the folder: they show whose it is
    this.logs = new Logs(join(options.data, 'logs'), terminal, options.verbose);
    this.servers = new EmbeddedServers(terminal);
    this.supervisor = new Supervisor(join(options.data, PROCESSES), terminal);
    this.demoSupervisor = new Supervisor(join(options.data, PROCESSES), terminal);
  }

  /**
   * @param {'start' | 'migrate'} task
   * @returns {Promise<unknown>} settles when everything is up, or up to date
   */
  run(task) {
    this.#running = task === 'start' ? this.#start() : this.#prepare(this.env['PUBLIC_URL'] || 'http://localhost');
    return this.#running;
  }

  /** Brings everything up and says where it is. */
  async #start() {
    const { options, terminal } = this;
    const networkAddress = localNetworkAddress();
    const publicUrl = this.env['PUBLIC_URL'] || `http://${networkAddress ?? 'localhost'}:${options.port}`;
    if (options.demo) this.#demoServices = await planDemoServices(this.env, options.data);
    const surroundings = await this.#prepare(publicUrl);
    const demoServices = this.#startDemoServices(publicUrl);
    await terminal.step('Starting the apps', 'Apps started', () => this.supervisor.start(this.#replicas(surroundings)));
    const demo = options.demo ? await this.#demo() : undefined;
    const { port, data, replicas } = options;
    const rest = { publicUrl, networkAddress, demo, demoServices: await demoServices, data };
    await printBanner({ terminal, port, gateways: replicas.gateway, ...rest });
  }

  /**
   * PostgreSQL, Redis, what is built, roles and schemas, migrations: all that the apps stand on.
   *
   * @param {string} publicUrl
   * @returns {Promise<Surroundings>}
   */
  async #prepare(publicUrl) {
    const { secrets, databasePasswords } = this.kept;
    const filesFolder = join(this.options.data, 'files');
    await build(this.terminal, this.signal);
    this.#refuseBadConfiguration({ secrets, publicUrl, filesFolder });
    const [databaseUrl, redisUrls] = await allOrFirstFailure([this.#postgres(), this.#redis()]);
    const surroundings = await this.terminal.step(
      'Bringing the database up to date',
      'Database up to date',
      async () => {
        this.signal.throwIfAborted();
        const databaseUrls = await this.#provision(databaseUrl, databasePasswords);
        const all = { redisUrls, databaseUrls, secrets, publicUrl, filesFolder };
        if (!(await areUpToDate(WORKSPACE, databaseUrl))) {
          await allOrFirstFailure(OWNERS.map((app) => this.#migrate(app, all)));
        }
        return { ...all, shared: databaseUrls.shared };
      },
    );
    if (surroundings.shared) {
      this.terminal.warn(
        'This database user may not create roles: all services use it, none is kept from the others’ data.',
      );
    }
    return surroundings;
  }

  /** Ends everything in order: apps, Redis, PostgreSQL. */
  async stop() {
    await this.supervisor.stop();
    await this.demoSupervisor.stop();
    await this.servers.stop();
    await Promise.allSettled([this.#running]); // what it was still doing fails now
    await this.logs.close();
  }

  /** Ends everything at once. */
  async kill() {
    await Promise.all([this.supervisor.kill(), this.demoSupervisor.kill(), this.servers.kill()]);
  }

  /** @returns {Promise<string>} */
  async #postgres() {
    const { databaseUrl, data } = this.options;
    if (databaseUrl) return databaseUrl;
    const log = this.logs.forServer('postgres').write;
    return this.terminal.step('Starting PostgreSQL', 'PostgreSQL started', async () => {
      const server = await this.servers.start('PostgreSQL', (port) =>
        startPostgres({ folder: join(data, 'postgres'), port, log }),
      );
      return ensureDatabase(server.url, DATABASE);
    });
  }

  /** @returns {Promise<Record<App, string>>} each app's URL: its own user's in a Redis of ours, else yours */
  async #redis() {
    const { redisUrl, data } = this.options;
    if (redisUrl) {
      await refuseUnreachable(redisUrl);
      return byName(APPS, () => redisUrl);
    }
    const log = this.logs.forServer('redis').write;
    const progress = (/** @type {string} */ message) => this.terminal.print(this.terminal.dim(`  ${message}`));
    const { url, imitation, origin } = await this.terminal.step('Starting Redis', 'Redis started', () =>
      this.servers.start('Redis', (port) => startRedis({ folder: join(data, 'redis'), port, log, progress })),
    );
    if (!imitation)
      return provisionRedis(url, { prefix: this.env['BUS_PREFIX'] || 'bus', passwords: this.kept.redisPasswords });
    this.terminal.warn(this.terminal.red(`Redis is ${origin}. Install Redis 7 or Valkey, or give --redis-url.`));
    return byName(APPS, () => url);
  }

  /** @param {string} databaseUrl @param {Record<import('../embedded/services.mjs').Owner, string>} passwords */
  async #provision(databaseUrl, passwords) {
    // Roles belong to the whole server: called after the database (`puerta_identity`), so that two of them can share one.
    const rolePrefix = decodeURIComponent(new URL(databaseUrl).pathname.slice(1)) || DATABASE;
    try {
      return await provision(databaseUrl, { rolePrefix, passwords });
    } catch (cause) {
      this.signal.throwIfAborted();
      const { message, code } = /** @type {NodeJS.ErrnoException} */ (cause);
      throw new Refusal(`the database cannot be prepared: ${message || code}`, { cause });
    }
  }

  /** @param {App} app @param {Surroundings} surroundings */
  async #migrate(app, surroundings) {
    const log = this.logs.forServer(`${app}-migrations`);
    try {
      await migrateApp({ workspace: WORKSPACE, app, env: this.#environment(app, surroundings), log: log.write });
    } catch (error) {
      const [what] = /** @type {Error} */ (error).message.split('\n');
      throw new Refusal(`${what}. Their log ends:\n${log.last()}`);
    }
  }

  /** @param {Surroundings} surroundings @returns {import('./supervisor.mjs').Replica[]} */
  #replicas(surroundings) {
    return APPS.flatMap((app) =>
      Array.from({ length: this.options.replicas[app] }, (_, n) => {
        const name = n === 0 ? app : `${app}-${n + 1}`;
        const [env, log] = [this.#environment(app, surroundings, n), this.logs.forApp(name)];
        const start = (/** @type {number} */ internalPort) =>
          startApp({ workspace: WORKSPACE, app, env, internalPort, log: log.write });
        return { app, name, start, log };
      }),
    );
  }

  /**
   * @param {App} app
   * @param {Surroundings} surroundings
   * @param {number} [n] which replica
   */
  #environment(app, surroundings, n = 0) {
    const { redisUrls, publicUrl } = surroundings;
    const known = { REDIS_URL: redisUrls[app], PUBLIC_URL: publicUrl, PORT: String(this.options.port + n) };
    const made = { ...appEnvironment(app, surroundings), ...(app === 'gateway' && this.#demoServices.gateway) };
    return environmentOf(made, this.env, known);
  }

  /**
   * With URLs that stand for those of servers which do not run yet.
   *
   * @param {Omit<Surroundings, 'redisUrls' | 'databaseUrls'>} surroundings
   */
  #refuseBadConfiguration(surroundings) {
    const { redisUrl = 'redis://127.0.0.1' } = this.options;
    const database = `postgres://puerta:${this.kept.databasePasswords.identity}@127.0.0.1/puerta`;
    const databaseUrls = byName(OWNERS, () => database);
    const all = { ...surroundings, redisUrls: byName(APPS, () => redisUrl), databaseUrls };
    refuseBadConfiguration(byName(APPS, (app) => this.#environment(app, all)));
  }

  /**
   * While the apps start. They are a demonstration: Puerta goes on without them.
   *
   * @param {string} publicUrl
   * @returns {Promise<import('./demo-services.mjs').DemoServices['running']>} those that run
   */
  async #startDemoServices(publicUrl) {
    const { running, lacking } = this.#demoServices;
    if (lacking.length > 0)
      this.terminal.warn(`Not all demo services are started: the packages ${lacking.join(' and ')} are not installed.`);
    const gatewayUrl = `http://127.0.0.1:${this.options.port}`;
    const replicas = running.map((service) => {
      const log = this.logs.forServer(service.name);
      const start = () => startDemoService(service, { publicUrl, gatewayUrl, log: log.write });
      return { app: service.name, name: service.name, start, log };
    });
    try {
      await this.demoSupervisor.start(replicas);
      return running;
    } catch (error) {
      if (!this.signal.aborted)
        this.terminal.warn(`The demo services do not run: ${/** @type {Error} */ (error).message}`);
      return [];
    }
  }

  async #demo() {
    const { options, terminal } = this;
    try {
      return await terminal.step('Preparing the demo company', 'Demo company ready', () =>
        ensureDemo(options.data, `http://127.0.0.1:${options.port}`),
      );
    } catch (error) {
      this.signal.throwIfAborted();
      terminal.warn(`There is no demo company: ${/** @type {Error} */ (error).message}`);
      return undefined;
    }
  }
}

/**
 * The apps would wait for it; whoever mistyped the URL need not.
 *
 * @param {string} url
 * @throws Refusal when no Redis answers there, or it does not let us in
 */
async function refuseUnreachable(url) {
  /** @type {import('ioredis').RedisOptions} */
  let options;
  try {
    options = built('libs/messaging/src/connection/redis-options').redisOptions(url, ''); // as the apps understand it
  } catch (cause) {
    throw new Refusal('--redis-url is not a Redis URL', { cause });
  }
  const once = { lazyConnect: true, retryStrategy: () => null, connectTimeout: REACH_MS, commandTimeout: REACH_MS };
  const client = new Redis({ ...options, ...once });
  /** @type {Error | undefined} */
  let reason;
  client.on('error', (error) => (reason = error));
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    const { message } = reason ?? /** @type {Error} */ (cause);
    const [, hosts] = /^[^/]+\/\/(?:[^/]*@)?([^/?]*)/.exec(url) ?? [];
    throw new Refusal(`Redis does not answer at ${hosts}: ${message}`, { cause });
  } finally {
    client.disconnect();
  }
}

/**
 * Like Promise.all, but waits for all of them: nothing is still under way when it rejects.
 *
 * @template {readonly unknown[]} T
 * @param {T} promises
 * @returns {Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>}
 */
async function allOrFirstFailure(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
