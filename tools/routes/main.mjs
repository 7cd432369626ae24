// @ts-check
/** `npm run routes`: runs the gateway's own command on routes to services behind it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WORKSPACE } from '../launcher/workspace.mjs';

const COMMAND = join(WORKSPACE, 'dist/bundles/gateway/app.js');

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function main(args, env) {
  if (!existsSync(COMMAND)) {
    process.stderr.write('nothing is built yet; run "npm run build"\n');
    return 1;
  }
  // npm goes to the top of the project; who names a file means it from where they are.
  const cwd = env['INIT_CWD'] ?? process.cwd();
  const child = spawn(process.execPath, [COMMAND, 'routes', ...args], { env, cwd, stdio: 'inherit' });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  return code ?? 1;
}
