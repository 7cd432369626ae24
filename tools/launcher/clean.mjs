// @ts-check
/** `npm start -- --clean`: a data folder is removed, with what belongs to it elsewhere, and nothing else. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgres } from '../embedded/postgres.mjs';
import { removeRedis } from '../embedded/redis.mjs';
import { endLeftovers, readJson, takeDataFolder } from './data-folder.mjs';
import { interruption } from './interruption.mjs';
import { Refusal } from './stopped.mjs';

/** `secrets.json` last: while it is there, a clean that was interrupted can be done again. */
const OURS = ['processes', 'logs', 'files', 'demo.json', 'routes.demo.yaml', 'secrets.json'];

/**
 * @param {string} folder the data folder
 * @param {import('./terminal.mjs').Terminal} terminal
 * @throws Refusal when Puerta runs on it, or it is no data folder
 */
export async function clean(folder, terminal) {
  if (!existsSync(folder)) return terminal.print(`There is nothing to remove: ${folder} is not there.`);
  refuseForeign(folder);
  const lock = await takeDataFolder(
    folder,
    interruption(terminal, async () => {}),
  );
  try {
    await endLeftovers(folder);
    await removePostgres(join(folder, 'postgres'));
    await removeRedis(join(folder, 'redis'));
    for (const name of OURS) rmSync(join(folder, name), { recursive: true, force: true });
  } finally {
    lock.release();
  }
  try {
    rmdirSync(folder);
  } catch {
    // something of somebody else's is in it, or it is a link
  }
  terminal.print(`Removed what was in ${folder}. PostgreSQL and Redis of yours, given by URL, keep what they have.`);
}

/** Whoever mistypes the folder does not lose `files` or `logs` of another project. @param {string} folder */
function refuseForeign(folder) {
  const kept = /** @type {Partial<import('./data-folder.mjs').Kept> | undefined} */ (
    readJson(join(folder, 'secrets.json'))
  );
  // Before the secrets are made there is not more than this.
  if (
    kept?.databasePasswords ||
    readdirSync(folder).every((name) => name === 'processes' || /^(\w+\.)?lock/.test(name))
  )
    return;
  throw new Refusal(`${folder} is not a data folder of Puerta; nothing was removed`);
}
