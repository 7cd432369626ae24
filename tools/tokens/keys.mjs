// @ts-check
/** What a token is checked with: key sets, or the secret of HS256. */
import { readFileSync } from 'node:fs';
import { built } from '../embedded/built.mjs';
import { Refusal } from '../launcher/stopped.mjs';

/** One that does not answer by then is away. */
const ANSWER_MS = 5_000;

/** @typedef {{ find(kid: string): Promise<any> }} KeySource */

/**
 * Its refusals are words of our own: what the system and the parser say repeats the place, where a token may have been
 * pasted or a password stand, or a piece of what is there, which may be a secret.
 *
 * @param {string | undefined} place
 * @returns {Promise<KeySource | undefined>}
 * @throws Refusal when there is no key set
 */
export async function readKeys(place) {
  if (place === undefined) return undefined;
  const keys = keysIn(/^https?:\/\//i.test(place) ? await download(place) : readText(place));
  if (keys.size === 0) throw unreadable('it holds no key for ES256');
  return { find: async (kid) => keys.get(kid) };
}

/** @param {string} why */
function unreadable(why) {
  return new Refusal(`the key set cannot be read: ${why}`);
}

/**
 * @param {string} text
 * @returns {ReadonlyMap<string, any>}
 */
function keysIn(text) {
  const { readKeySet } = built('libs/auth/src/keys/verification-key');
  try {
    return readKeySet(JSON.parse(text));
  } catch (error) {
    throw unreadable(error instanceof SyntaxError ? 'it is not JSON' : 'it is no key set');
  }
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw unreadable(code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`);
  }
}

/** @param {string} address */
async function download(address) {
  if (!URL.canParse(address)) throw unreadable('the address is no URL');
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') throw unreadable('the address holds credentials');
  const signal = AbortSignal.timeout(ANSWER_MS);
  const unreachable = () => {
    throw unreadable('the address does not answer');
  };
  const answer = await fetch(url, { signal }).catch(unreachable);
  if (!answer.ok) throw unreadable(`the answer is ${answer.status}`);
  return answer.text().catch(unreachable);
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {KeySource | undefined} the secret, where access tokens are HS256
 * @throws Refusal when it is not one that an app would start with
 */
export function sharedSecret(env) {
  const { SharedSecret } = built('libs/auth/src/keys/shared-secret');
  const { accessTokenConfig, accessTokenSecret, ConfigError, defineConfig, loadConfig } =
    built('libs/config/src/index');
  try {
    const secret = accessTokenSecret(loadConfig(defineConfig('tokens', accessTokenConfig), env));
    return secret && new SharedSecret(secret);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = /** @type {{ problems: { variable: string, problem: string }[] }} */ (error);
    throw new Refusal(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  }
}
