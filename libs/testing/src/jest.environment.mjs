// @ts-check
import { AsyncLocalStorage } from 'node:async_hooks';
import { constants } from 'node:os';
import { TestEnvironment } from 'jest-environment-node';

/** Where libraries keep what they know of classes, on the global object; each suite loads classes of its own. */
const REGISTRIES = ['classValidatorMetadataStorage', 'typeormMetadataArgsStorage'];

/** Those that were run. Node 20 asks each of them at every promise until it is disabled, also when its suite is over. */
const storages = new Set();
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (...args) {
  storages.add(this);
  return run.apply(this, args);
};

/** When Jest is ended or killed, its workers would go on, and with them the apps and servers that they have started. */
const endToo = () => process.exit(128 + constants.signals.SIGTERM);
process.once('disconnect', endToo);
// Whoever listens keeps the process alive: Jest lets a worker end by no longer listening to it.
process.on('removeListener', (event) => event === 'message' && process.off('disconnect', endToo));

/** Suites run in Node's own realm, as the apps do: only so can they share packages (see jest.runtime.mjs). */
export default class extends TestEnvironment {
  #env = { ...process.env };
  #console = console;

  /** @param {ConstructorParameters<typeof TestEnvironment>} args */
  constructor(...args) {
    super(...args);
    const global = /** @type {typeof this.global} */ (/** @type {unknown} */ (globalThis));
    const [{ projectConfig: config }] = args;
    /** @param {any} one of Jest's, for another realm */
    const classOf = (one) => one.constructor;
    this.global = global;
    this.moduleMocker = new (classOf(this.moduleMocker))(global);
    this.fakeTimersModern = new (classOf(this.fakeTimersModern))({ config, global });
  }

  async teardown() {
    process.env = this.#env;
    globalThis.console = this.#console;
    for (const storage of storages) storage.disable();
    storages.clear();
    for (const name of REGISTRIES) Reflect.deleteProperty(globalThis, name);
    await super.teardown();
  }
}
