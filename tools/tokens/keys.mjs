// @ts-check
/** What a token is checked with: key sets, or the secret of HS256. */
import { readFileSync } from 'node:fs';
import { built } from '../docs/built.mjs';
import { Refusal } from '../launcher/stopped.mjs';

/** One that does not answer by then is away. */
const ANSWER_MS = 5_000;

/** @typedef {{ find(kid: string): Promise<any> }} KeySource */

/**
 * @param {string | undefined} place
 * @returns {Promise<KeySource | undefined>}
 * @throws Refusal when there is no key set
 */
export async function readKeys(place) {
  if (place === undefined) return undefined;
  const { readKeySet } = built('libs/auth/src/keys/verification-key');
  try {
    const keys = readKeySet(JSON.parse(/^https?:\/\//.test(place) ? await download(place) : readFileSync(place, 'utf8')));
    if (keys.size === 0) throw new Error('it holds no key for ES256');
    return { find: async (kid) => keys.get(kid) };
  } catch (error) {
    throw new Refusal(`the key set cannot be read: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} url */
async function download(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
  return answer.text();
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {KeySource | undefined} the secret, where access tokens are HS256
 * @throws Refusal when it is not one that an app would start with
 */
export function sharedSecret(env) {
  const { SharedSecret } = built('libs/auth/src/keys/shared-secret');
  const { accessTokenConfig, accessTokenSecret, ConfigError, defineConfig, loadConfig } = built('libs/config/src/index');
  try {
    const secret = accessTokenSecret(loadConfig(defineConfig('tokens', accessTokenConfig), env));
    return secret && new SharedSecret(secret);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { problems } = /** @type {{ problems: { variable: string, problem: string }[] }} */ (error);
    throw new Refusal(problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  }
}
