// @ts-check
/** `npm run bench`: every figure with a baseline of the same run, and the ratio of the two. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Terminal } from '../launcher/terminal.mjs';
import { build, ensurePackages, WORKSPACE } from '../launcher/workspace.mjs';

/** @type {Record<string, string>} */
const BENCHMARKS = {
  bus: 'libs/messaging/bench/bus.mjs',
  invalidations: 'libs/messaging/bench/invalidations.mjs',
  http: 'tools/bench/http.mjs',
  idle: 'tools/bench/idle.mjs',
  lanes: 'tools/bench/lanes.mjs',
  proxy: 'tools/bench/proxy.mjs',
  signed: 'tools/bench/signed-tokens.mjs',
  tokens: 'tools/bench/single-use.mjs',
};

const HELP = `npm run bench -- [${Object.keys(BENCHMARKS).join('|')} …] [--seconds N]

Measures, and prints our figure, a baseline measured in the same run, and the ratio.

  bus            the bus against Nest's own Redis transport; three replicas against one
  invalidations  a change until two replicas have dropped what they kept, against a bare PUBLISH
  http           routes, from /health to a QR code as PNG, against a bare node:http server
  idle           an installation that nobody asks: what it asks of Redis, PostgreSQL and the processor
  lanes          fast calls while many log in, against the same while nobody does
  proxy          a request forwarded to a service behind the gateway, against a bare undici proxy, @fastify/reply-from,
                 nginx where there is one, and the service itself
  signed         an access token signed and verified, against node:crypto
  tokens         single-use tokens made and used up, through the gateway and over the bus, against ioredis itself
  --seconds N    how long each measurement takes (default 3)
`;

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function main(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '3' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.find((name) => !(name in BENCHMARKS));
  if (values.help || unknown) {
    process.stdout.write(HELP);
    return unknown ? 2 : 0;
  }
  const terminal = new Terminal(process.stderr);
  await ensurePackages(terminal);
  await build(terminal);
  for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
    const script = join(WORKSPACE, BENCHMARKS[name] ?? '');
    const child = spawn(process.execPath, [script, '--seconds', values.seconds], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) return 1;
  }
  return 0;
}
