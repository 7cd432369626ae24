// @ts-check
/** `npm run keys`: runs the token-service's own command, with what the environment says, else as `npm start` here has it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readJson } from '../launcher/data-folder.mjs';
import { Refusal } from '../launcher/stopped.mjs';
import { WORKSPACE } from '../launcher/workspace.mjs';

const COMMAND = join(WORKSPACE, 'dist/bundles/token-service/app.js');

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
export async function main(args, env) {
  try {
    if (!existsSync(COMMAND)) throw new Refusal('nothing is built yet; run "npm run build"');
    const { data, others } = withoutData(args);
    const child = spawn(process.execPath, [COMMAND, 'keys', ...others], {
      env: environment(env, resolve(data)),
      stdio: 'inherit',
    });
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return code ?? 1;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** The folder of `npm start` is our matter. @param {string[]} args */
function withoutData(args) {
  const at = args.findIndex((arg) => arg === '--data' || arg.startsWith('--data='));
  if (at < 0) return { data: join(WORKSPACE, '.puerta'), others: args };
  const [, inOne] = /^--data=(.*)$/s.exec(args[at] ?? '') ?? [];
  const data = inOne ?? args[at + 1];
  if (!data) throw new Refusal('--data needs a folder');
  return { data, others: args.toSpliced(at, inOne === undefined ? 2 : 1) };
}

/**
 * What is missing is missing: the command says what it needs.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string} data
 * @returns {NodeJS.ProcessEnv}
 */
export function environment(env, data) {
  const own = ['TOKEN_SERVICE_DATABASE_URL', 'DATABASE_URL', 'TOKEN_SERVICE_KEY_ENCRYPTION_KEYS'].some(
    (name) => env[name],
  );
  // Both from here or none: a key of this installation must not seal anything in the database of another.
  if (own) return env;
  const kept = /** @type {Partial<import('../launcher/data-folder.mjs').Kept> | undefined} */ (
    readJson(join(data, 'secrets.json'))
  );
  const database = embeddedUrl(data, kept);
  const keys = kept?.secrets?.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS;
  return {
    ...(database && { TOKEN_SERVICE_DATABASE_URL: database, NODE_ENV: 'development' }),
    ...(keys && { TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keys }),
    ...env,
  };
}

/**
 * @param {string} data
 * @param {Partial<import('../launcher/data-folder.mjs').Kept> | undefined} kept
 */
function embeddedUrl(data, kept) {
  // Its fourth line is the port; the file is there while PostgreSQL runs.
  const file = join(data, 'postgres/data/postmaster.pid');
  const password = kept?.databasePasswords?.['token-service'];
  if (!password || !existsSync(file)) return undefined;
  const port = readFileSync(file, 'utf8').split('\n')[3];
  return `postgresql://puerta_token_service:${password}@127.0.0.1:${port}/puerta`;
}
