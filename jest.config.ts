/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

/** `npm run test:load` runs the big suites (`*.load.ts`); `npm test` everything else. */
const load = process.env['PUERTA_TEST_LOAD'] === '1';

const config: Config = {
  rootDir: __dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools'],
  testMatch: [load ? '**/*.load.ts' : '**/*.spec.ts'],
  testEnvironment: '<rootDir>/libs/testing/src/jest.environment.mjs',
  runtime: '<rootDir>/libs/testing/src/jest.runtime.mjs',
  testSequencer: '<rootDir>/libs/testing/src/jest.sequencer.mjs',
  globalSetup: '<rootDir>/libs/testing/src/jest.global-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/src/jest.global-teardown.ts',
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  moduleNameMapper: {
    '^@puerta/contracts/core$': '<rootDir>/libs/contracts/src/core/index.ts',
    '^@puerta/service/runtime$': '<rootDir>/libs/service/src/runtime.ts',
    '^@puerta/service/testing$': '<rootDir>/libs/service/testing/index.ts',
    '^@puerta/([a-z]+)$': '<rootDir>/libs/$1/src/index.ts',
  },
  // Dynamic imports become `require` too: Jest's CommonJS cannot `import()`.
  transform: { '\\.m?[jt]s$': ['@swc/jest', { module: { type: 'commonjs', ignoreDynamic: false } }] },
  // Tests that run side by side in one suite wait for most of their time.
  maxConcurrency: 20,
  testTimeout: load ? 600_000 : 90_000,
  // What packages keep of a suite's classes keeps that suite in memory, some 7 MB each; a worker begins anew before that is much.
  workerIdleMemoryLimit: '1GB',
};

export default config;
