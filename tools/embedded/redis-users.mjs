// @ts-check
/** A user per app in one Redis, as the contracts say who may ask whom: no app reads or writes what is another's. */
import { Redis } from 'ioredis';
import { built, contracts } from './built.mjs';
import { sha256 } from './server.mjs';
import { APPS, byName, SERVICES } from './services.mjs';

/** @typedef {import('./services.mjs').App} App */

/** The prefix of who has Redis to himself: his users are called as the apps are. */
const DEFAULT_PREFIX = 'bus';

/** Of those that keep files: who uses the folder. */
const STORAGE = '+evalsha +eval +zrange +zremrangebyscore +zadd +zrem +pexpire ~PREFIX:{storage}:hosts';

/** What is not the bus's matter. @param {App} app @param {string} prefix */
function besideTheBus(app, prefix) {
  const { redis = [], files } = SERVICES[app];
  return [...redis, ...(files ? [STORAGE] : [])].map((rights) => `(${rights.replaceAll('PREFIX', prefix)})`);
}

/**
 * @param {string} prefix BUS_PREFIX
 * @param {App} app
 */
export function redisUser(prefix, app) {
  return prefix === DEFAULT_PREFIX ? app : `${prefix}-${app}`;
}

/**
 * @param {string} prefix BUS_PREFIX
 * @param {Record<App, string>} passwords
 * @returns {Record<App, string[]>} the arguments of ACL SETUSER for each app, its user's name first
 */
export function redisUsers(prefix, passwords) {
  const { aclRules } = built('libs/messaging/src/operations/acl');
  const { followedBy, invalidationsOf } = built('libs/contracts/src/index');
  return byName(APPS, (app) => {
    const [follows, publishes] = [followedBy(app), invalidationsOf(app).length > 0];
    const rules = aclRules({ service: app, contracts: contracts(), prefix, follows, publishes });
    const password = `#${sha256(passwords[app])}`;
    return [redisUser(prefix, app), 'reset', 'on', password, ...rules, ...besideTheBus(app, prefix)];
  });
}

/**
 * Creates, or brings up to date, each app's user.
 *
 * @param {string} url of a user who may do so
 * @param {{ prefix: string, passwords: Record<App, string> }} options
 * @returns {Promise<Record<App, string>>} each app's URL
 */
export async function provisionRedis(url, { prefix, passwords }) {
  const users = redisUsers(prefix, passwords);
  await connected(url, async (client) => {
    for (const app of APPS) await client.call('ACL', 'SETUSER', ...users[app]);
    await save(client);
  });
  return byName(APPS, (app) => withUser(url, redisUser(prefix, app), passwords[app]));
}

/**
 * @param {string} url of a user who may do so
 * @param {string} prefix BUS_PREFIX
 */
export async function removeRedisUsers(url, prefix) {
  await connected(url, async (client) => {
    await client.call('ACL', 'DELUSER', ...APPS.map((app) => redisUser(prefix, app)));
    await save(client);
  });
}

/** Users outlive Redis where it has a file for them. @param {Redis} client */
async function save(client) {
  const [, file] = /** @type {string[]} */ (await client.call('CONFIG', 'GET', 'aclfile'));
  if (file) await client.call('ACL', 'SAVE');
}

/** @template T @param {string} url @param {(client: Redis) => Promise<T>} work @returns {Promise<T>} */
export async function connected(url, work) {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {}); // `connect` and each command reject with it
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** @param {string} url @param {string} user @param {string} password */
function withUser(url, user, password) {
  const own = new URL(url);
  own.username = encodeURIComponent(user);
  own.password = encodeURIComponent(password);
  return own.href;
}
