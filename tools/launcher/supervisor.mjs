// @ts-check
/** Starts the replicas, starts again those that crash, and ends them all, callers before callees. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, writeRecord } from '../embedded/process.mjs';
import { Refusal } from './stopped.mjs';

/** The first start of all on a slow machine. */
const READY_MS = 90_000;

/** Between a crash and the next start; doubles from crash to crash. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Who ran this long has not crashed at the start: the pauses begin anew. */
const SOUND_MS = 60_000;

/**
 * @typedef {object} Replica
 * @property {string} app of which it is one
 * @property {string} name also of its log
 * @property {(internalPort: number) => import('../embedded/services.mjs').AppProcess} start
 * @property {import('./logs.mjs').ChildLog} log
 * @property {import('../embedded/services.mjs').AppProcess} [process]
 */

export class Supervisor {
  /** @type {Replica[]} */
  #replicas = [];
  #stopping = false;

  /**
   * @param {string} records the folder where each process is recorded, for the next start to find it
   * @param {import('./terminal.mjs').Terminal} terminal
   */
  constructor(records, terminal) {
    this.records = records;
    this.terminal = terminal;
  }

  /**
   * @param {Replica[]} replicas callees before callers
   * @throws Refusal with the last lines of its log when one does not come up
   */
  async start(replicas) {
    this.#replicas = replicas;
    await Promise.all(replicas.map((replica) => this.#firstRun(replica)));
    for (const replica of replicas) void this.#keepAlive(replica);
  }

  /** @param {Replica} replica */
  async #firstRun(replica) {
    try {
      await this.#run(replica);
    } catch (error) {
      throw new Refusal(`${/** @type {Error} */ (error).message}. Its log ends:\n${replica.log.last()}`);
    }
  }

  async stop() {
    this.#stopping = true;
    for (const app of [...new Set(this.#replicas.map(({ app }) => app))].reverse()) {
      await Promise.all(this.#replicas.filter((each) => each.app === app).map((each) => each.process?.stop()));
    }
  }

  /** At once, without waiting for what they are doing. */
  async kill() {
    this.#stopping = true;
    await Promise.all(this.#replicas.map((each) => each.process?.kill()));
  }

  /** @param {Replica} replica */
  async #run(replica) {
    const internalPort = await freePort();
    if (this.#stopping) return;
    replica.process = replica.start(internalPort);
    writeRecord(join(this.records, `${replica.name}.json`), replica.process.pid);
    await replica.process.ready(READY_MS);
  }

  /** @param {Replica} replica */
  async #keepAlive(replica) {
    let pause = FIRST_PAUSE_MS;
    for (let began = Date.now(); ; began = Date.now()) {
      const ending = await replica.process?.exited;
      if (this.#stopping) return;
      if (Date.now() - began > SOUND_MS) pause = FIRST_PAUSE_MS;
      this.terminal.warn(`${replica.name} ${ending}; starting it again in ${pause / 1000} s`);
      await sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      if (this.#stopping) return;
      try {
        await this.#run(replica);
        if (!this.#stopping) this.terminal.print(`${this.terminal.green('✔')} ${replica.name} runs again`);
      } catch (error) {
        if (!this.#stopping) this.terminal.warn(/** @type {Error} */ (error).message);
        await replica.process?.kill(); // one that hangs at its start would never end by itself
      }
    }
  }
}
