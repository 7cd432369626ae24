import { join } from 'node:path';

/** Runs a TypeScript file of this workspace with plain node, for processes that tests start: `node PROGRAM FILE.ts …`. */
export const PROGRAM = join(__dirname, 'run.mjs');
