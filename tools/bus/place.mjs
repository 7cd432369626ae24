// @ts-check
/** Which Redis the bus is on: what the environment says, else that of the `npm start` on this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { built } from '../embedded/built.mjs';
import { Refusal } from '../launcher/stopped.mjs';
import { WORKSPACE } from '../launcher/workspace.mjs';

/** One that does not answer by then is away. */
const ANSWER_MS = 5_000;

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} data the folder of `npm start`
 * @returns {{ url: string, prefix: string }}
 * @throws Refusal when nothing says where
 */
export function placeOf(env, data) {
  const url =
    env['REDIS_BUS_URL'] || env['REDIS_URL'] || embeddedUrl(data ? resolve(data) : join(WORKSPACE, '.puerta'));
  return { url, prefix: env['BUS_PREFIX'] || 'bus' };
}

/** @param {string} folder */
function embeddedUrl(folder) {
  const [config, password] = [join(folder, 'redis/redis.conf'), join(folder, 'redis/password')];
  if (!existsSync(config) || !existsSync(password)) {
    throw new Refusal(
      `nothing says where Redis is: set REDIS_URL (or REDIS_BUS_URL), or run npm start, which keeps it in ${folder}`,
    );
  }
  const port = /^port (\d+)$/m.exec(readFileSync(config, 'utf8'))?.[1];
  return `redis://:${readFileSync(password, 'utf8').trim()}@127.0.0.1:${port}`;
}

/**
 * Does something with the Redis that has a callee's keys.
 *
 * @template T
 * @param {string} url
 * @param {string} key one of the keys
 * @param {(client: Redis) => Promise<T>} work
 * @returns {Promise<T>}
 * @throws Refusal when Redis does not answer, or refuses
 */
export async function withRedis(url, key, work) {
  const { redisOptions } = built('libs/messaging/src/connection/redis-options');
  /** @type {Error | undefined} */
  let reason;
  try {
    const client = new Redis({
      ...redisOptions(url, key),
      lazyConnect: true,
      retryStrategy: () => null,
      connectTimeout: ANSWER_MS,
      commandTimeout: ANSWER_MS,
    });
    client.on('error', (error) => (reason = error));
    try {
      await client.connect();
      return await work(client);
    } finally {
      client.disconnect();
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const { message } = reason ?? /** @type {Error} */ (error);
    throw new Refusal(`Redis does not answer: ${message}`, { cause: error });
  }
}
