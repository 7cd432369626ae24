// @ts-check
/**
 * The last resort where there is no Redis: a JavaScript stand-in that keeps nothing and calls itself a mock.
 * Usage: node redis-imitation.mjs PORT PASSWORD-FILE
 */
import { readFileSync } from 'node:fs';

const [port, passwordFile] = process.argv.slice(2);
// Not by a literal name: the package asks for Node 22 and may be missing, for the type checker too.
const { createRedisServer } = await import(String('js-redis-server'));
const server = await createRedisServer({ port: Number(port) });
server.state.requirepass = readFileSync(String(passwordFile), 'utf8').trim(); // its own command line cannot set one
process.once('SIGTERM', () => process.exit(0));
