// @ts-check
/** The embedded PostgreSQL and Redis of an installation: kept alive while it runs, ended with it. */
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {import('../embedded/server.mjs').Server} Server */

/** Before one that has ended is started again: what ends it may not have passed. */
const PAUSE_MS = 500;

export class EmbeddedServers {
  /** Those to end, in the order of their start; a start that is under way is waited for. @type {Map<string, Promise<Server>>} */
  #running = new Map();
  #stopping = false;
  /** @type {(error: Error) => void} */
  #fail = () => {};
  /** @type {Promise<never>} rejects when one of them is gone for good */
  failed = new Promise((_, reject) => (this.#fail = reject));

  /** @param {import('./terminal.mjs').Terminal} terminal */
  constructor(terminal) {
    this.terminal = terminal;
    this.failed.catch(() => {});
  }

  /**
   * @template {Server} S
   * @param {string} name
   * @param {(port?: number) => Promise<S>} start
   * @param {number} [port] that of the one before, whose clients know no other
   * @returns {Promise<S>}
   */
  async start(name, start, port) {
    const starting = start(port);
    this.#running.set(name, starting);
    const server = await starting;
    this.#keepAlive(name, start, server).catch(this.#fail);
    return server;
  }

  /** The last one started ends first. */
  async stop() {
    this.#stopping = true;
    for (const starting of [...this.#running.values()].reverse()) {
      const server = await starting.catch(() => undefined);
      await server?.stop();
    }
  }

  async kill() {
    this.#stopping = true;
    await Promise.all(
      [...this.#running.values()].map((starting) =>
        starting.then(
          (server) => server.kill(),
          () => {},
        ),
      ),
    );
  }

  /** @param {string} name @param {(port?: number) => Promise<Server>} start @param {Server} server */
  async #keepAlive(name, start, server) {
    await server.exited;
    if (this.#stopping) return;
    this.terminal.warn(`${name} has ended; starting it again`);
    await sleep(PAUSE_MS);
    if (!this.#stopping) await this.start(name, start, server.port);
  }
}
