// @ts-check
/** One of several Redis servers that belong together, for tests: it may be killed, frozen and started again. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisBinary } from '../../../tools/embedded/redis-binary.mjs';
import { launch, temporaryFolder } from '../../../tools/embedded/server.mjs';

/** Its address and identity stay over restarts. */
export class RedisNode {
  /** @type {import('ioredis').Redis | undefined} */
  #client;
  /** @type {Omit<import('../../../tools/embedded/server.mjs').Server, 'url' | 'port'> | undefined} */
  #server;

  /**
   * @param {object} options
   * @param {string} options.name for messages
   * @param {number} options.port
   * @param {string} options.password of the default user, who may do everything
   * @param {string[]} options.settings lines of its configuration
   */
  constructor({ name, port, password, settings }) {
    this.name = name;
    this.port = port;
    this.password = password;
    this.folder = temporaryFolder('redis-node');
    const all = ['bind 127.0.0.1', `port ${port}`, `dir "${this.folder}"`, `requirepass ${password}`, ...settings];
    // Not made anew at a restart: servers write into it what role they have.
    writeFileSync(join(this.folder, 'redis.conf'), `${all.join('\n')}\n`, { mode: 0o600 });
  }

  get pid() {
    return this.#server?.pid ?? 0;
  }

  get runs() {
    return this.#server !== undefined;
  }

  /**
   * Settles once it answers.
   *
   * @param {string[]} more arguments after the configuration
   */
  async start(...more) {
    const { command, args, env, imitation } = await redisBinary();
    if (imitation) throw new Error('Sentinels and Clusters need a real Redis 7 or Valkey on this machine');
    this.#server = await launch({
      name: this.name,
      command,
      args: [...args, join(this.folder, 'redis.conf'), ...more],
      folder: this.folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env },
      stopSteps: [['SIGKILL', 5_000]],
      orphanSignal: 'KILL',
      throwAway: false,
      orphanFolder: this.folder,
      isReady: () =>
        this.ask('PING').then(
          (answer) => answer === 'PONG',
          () => false,
        ),
    });
  }

  /** `kill -9`. */
  async kill() {
    await this.#server?.kill();
    this.#server = undefined;
  }

  /** SIGSTOP: connections stay open, and nothing answers. */
  pause() {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume() {
    if (this.runs) process.kill(this.pid, 'SIGCONT');
  }

  /**
   * @param {string} command
   * @param {(string | number)[]} args
   * @returns {Promise<unknown>}
   */
  ask(command, ...args) {
    this.#client ??= new Redis({
      host: '127.0.0.1',
      port: this.port,
      password: this.password,
      enableReadyCheck: false,
      commandTimeout: 2_000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 50,
    }).on('error', () => {});
    return this.#client.call(command, ...args);
  }

  /** Whether it is a replica that has all that its primary has. */
  async inSync() {
    return /role:slave[^]*master_link_status:up/.test(String(await this.ask('INFO', 'replication')));
  }

  /** Ends it and removes its data. */
  async close() {
    this.#client?.disconnect();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
