// @ts-check
/**
 * Writes the parts of the documentation that the code knows better: configuration, errors, routes, OpenAPI.
 *
 *   npm run docs                    builds, then writes them
 *   node tools/docs.mjs --check     says which of them are not what the built code says; exit code 1 if any
 */
import './launcher/node-version.mjs';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Terminal } from './launcher/terminal.mjs';
import { build, WORKSPACE } from './launcher/workspace.mjs';

const check = process.argv.includes('--check');
if (!check) await build(new Terminal());

const { generated } = await import('./docs/generated.mjs');
const stale = Object.entries(await generated()).filter(([file, text]) => read(file) !== text);

for (const [file, text] of stale) {
  if (!check) writeFileSync(join(WORKSPACE, file), text);
  console.log(`${file} ${check ? 'is stale; run "npm run docs"' : 'written'}`);
}
// What described the gateway has timers of its own.
process.exit(check && stale.length > 0 ? 1 : 0);

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(join(WORKSPACE, file), 'utf8');
  } catch {
    return undefined;
  }
}
