// @ts-check
/** Adds up what `.ci/run` left in a folder: Jest's JSON per suite, an empty file per check. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = String(process.argv[2]);
const names = readdirSync(folder);
let passed = names.filter((name) => name.endsWith('.check.passed')).length;
let failed = names.filter((name) => name.endsWith('.check.failed')).length;

for (const name of names.filter((each) => each.endsWith('.suite.json'))) {
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(join(folder, name), 'utf8'),
  );
  passed += numPassedTests;
  failed += numFailedTests + numRuntimeErrorTestSuites;
}

// A suite that ended badly counts even if no test of it did (it never began, or its tear-down broke).
if (failed === 0) failed = names.filter((name) => name.endsWith('.suite.failed')).length;
if (passed === 0) failed = Math.max(failed, 1);

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
