// @ts-check
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import Runtime from 'jest-runtime';

/** What Jest itself must load: paths, our libraries by the names that jest.config.ts maps, and its own modules. */
const BY_JEST = /^[./]|^@puerta\/|^@?jest|^expect$/;

/**
 * Each of our files as a function of `module`, `exports`, `require` and so on, compiled once for all suites of a worker. Each
 * suite calls it anew, and so has a module of its own.
 *
 * @type {Map<string, { source: string, loads: Function }>}
 */
const compiled = new Map();

/**
 * Loads packages as Node does, once for all suites of a worker. Jest loads each of them again for each suite, some 2,000
 * files, which was two thirds of what most suites cost. Our own code is still loaded again for each, and what a suite
 * mocks is mocked.
 */
export default class extends Runtime {
  /** @param {ConstructorParameters<typeof Runtime>} args */
  constructor(...args) {
    super(...args);
    const { executor } = /** @type {any} */ (this);
    /**
     * @param {string} source
     * @param {string} filename
     */
    executor.compile = (source, filename) => {
      const known = compiled.get(filename);
      if (known?.source === source) return known.loads;
      const loads = compileFunction(source, executor.injectedModuleParameters, { filename });
      compiled.set(filename, { source, loads });
      return loads;
    };
  }

  /**
   * @param {string} from
   * @param {string} name
   */
  requireModuleOrMock(from, name) {
    const { mockState } = /** @type {any} */ (this);
    if (BY_JEST.test(name) || mockState.shouldMockCjs(from, name).shouldMock)
      return super.requireModuleOrMock(from, name);
    return createRequire(from)(name);
  }

  /**
   * Jest's own: `expect` and what it needs do not change from suite to suite; what is said of tests is in files of jest-circus.
   *
   * @param {string} from
   * @param {string} [name] of a package; without it, `from` is the file
   */
  requireInternalModule(from, name) {
    return name === undefined || /^[./]/.test(name)
      ? super.requireInternalModule(from, name)
      : createRequire(from)(name);
  }
}
