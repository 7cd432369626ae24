// @ts-check
import { TestEnvironment } from 'jest-environment-node';

/** Where libraries keep what they know of classes, on the global object; each suite loads classes of its own. */
const REGISTRIES = ['classValidatorMetadataStorage', 'typeormMetadataArgsStorage'];

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
    for (const name of REGISTRIES) Reflect.deleteProperty(globalThis, name);
    await super.teardown();
  }
}
