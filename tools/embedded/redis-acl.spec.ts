import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { testRedisUrl } from '@puerta/testing';
import { provisionRedis, redisUser, removeRedisUsers } from './redis-users.mjs';
import { APPS, type App, newPasswords } from './services.mjs';

/**
 * All that the apps may do, written down once more by hand: whatever is not here, Redis must refuse, of all commands that
 * it knows and all keys that there are.
 */
const CONNECTION = 'ping time info select cluster|slots client|setname';
const WAKES = 'client|id client|unblock';
const ASKS = 'eval evalsha xadd xlen xdel xpending xrange xrevrange';
const SERVES =
  'eval evalsha xreadgroup xgroup|create xgroup|delconsumer xinfo|consumers xlen xpending xrange xclaim xack xdel';
const BEATS = 'eval evalsha zadd zrem zremrangebyscore zrange zscore zcount';
const LETTERS = 'eval evalsha xadd xlen';
const TELLS = 'eval evalsha xadd xrevrange';
const READS = 'xread xrevrange';
const LIMITS = 'eval evalsha get set';
const TOKENS = 'eval evalsha get set incr pexpire pttl';
const FOLDER = 'eval evalsha zrange zremrangebyscore zadd zrem pexpire';

const MAY = {
  gateway: {
    '': CONNECTION,
    '{identity}:gateway:fast': ASKS,
    '{identity}:gateway:heavy': ASKS,
    '{card-issuer}:gateway:fast': ASKS,
    '{card-issuer}:gateway:heavy': ASKS,
    '{token-service}:gateway:fast': ASKS,
    '{identity}:replicas': 'zcount',
    '{card-issuer}:replicas': 'zcount',
    '{token-service}:replicas': 'zcount',
    '{identity}:invalidations': READS,
    '{token-service}:invalidations': READS,
    '{limits}:a': LIMITS,
    '{storage}:hosts': FOLDER,
    'reply:gateway:1': 'subscribe',
  },
  identity: {
    '': `${CONNECTION} ${WAKES}`,
    '{token-service}:identity:fast': ASKS,
    '{token-service}:replicas': 'zcount',
    '{identity}:gateway:fast': SERVES,
    '{identity}:gateway:heavy': SERVES,
    '{identity}:card-issuer:fast': SERVES,
    '{identity}:token-service:fast': SERVES,
    '{identity}:replicas': BEATS,
    '{identity}:leases': BEATS,
    '{identity}:dead': LETTERS,
    '{identity}:invalidations': TELLS,
    'reply:identity:1': 'subscribe',
    'reply:gateway:1': 'publish',
    'reply:card-issuer:1': 'publish',
    'reply:token-service:1': 'publish',
  },
  'card-issuer': {
    '': `${CONNECTION} ${WAKES}`,
    '{token-service}:card-issuer:fast': ASKS,
    '{token-service}:replicas': 'zcount',
    '{identity}:card-issuer:fast': ASKS,
    '{identity}:replicas': 'zcount',
    '{card-issuer}:gateway:fast': SERVES,
    '{card-issuer}:gateway:heavy': SERVES,
    '{card-issuer}:replicas': BEATS,
    '{card-issuer}:leases': BEATS,
    '{card-issuer}:dead': LETTERS,
    '{storage}:hosts': FOLDER,
    'reply:card-issuer:1': 'subscribe',
    'reply:gateway:1': 'publish',
  },
  'token-service': {
    '': `${CONNECTION} ${WAKES}`,
    '{identity}:token-service:fast': ASKS,
    '{identity}:replicas': 'zcount',
    '{token-service}:gateway:fast': SERVES,
    '{token-service}:identity:fast': SERVES,
    '{token-service}:card-issuer:fast': SERVES,
    '{token-service}:replicas': BEATS,
    '{token-service}:leases': BEATS,
    '{token-service}:dead': LETTERS,
    '{token-service}:invalidations': `${TELLS} xread`,
    'tokens:{3}:a': TOKENS,
    'reply:token-service:1': 'subscribe',
    'reply:gateway:1': 'publish',
    'reply:identity:1': 'publish',
    'reply:card-issuer:1': 'publish',
  },
} as const satisfies Partial<Record<App, Readonly<Record<string, string>>>>;

const SERVICES = Object.keys(MAY) as (keyof typeof MAY)[];

/** Open to whoever connects, before they have said who they are. */
const OPEN = new Set(['auth', 'hello', 'quit', 'reset']);
const LANES = ['fast', 'heavy'];
const PARTIES = [...SERVICES, 'other'];
const KEYS = [
  ...SERVICES.flatMap((callee) => PARTIES.flatMap((caller) => LANES.map((lane) => `{${callee}}:${caller}:${lane}`))),
  ...SERVICES.flatMap((app) => ['replicas', 'leases', 'dead', 'invalidations', 'x'].map((key) => `{${app}}:${key}`)),
  ...['{limits}:a', '{storage}:hosts', '{storage}:x', 'tokens:{3}:a', 'x', '{x}:gateway:fast'],
];
const CHANNELS = PARTIES.map((party) => `reply:${party}:1`);

type Entry = [name: string, arity: number, flags: string[], first: number, last: number, step: number, ...unknown[]];

/** A command with its arguments, of which some are the key. `a|b` is a subcommand. */
function lineOf([name, arity, , first, last, step]: Entry, key: string): string[] {
  const words = name.split('|');
  const length = Math.max(Math.abs(arity), words.length + (first > 0 ? 1 : 0), first + 1);
  const line = Array.from({ length }, (_, n) => words[n] ?? '1');
  const end = last < 0 ? length + last : last;
  if (first > 0) for (let n = first; n <= end; n += step) line[n] = key;
  return line;
}

/** Those whose keys Redis finds by looking at other arguments. */
const MOVABLE: Readonly<Record<string, (key: string) => string>> = {
  xread: (key) => `COUNT 1 STREAMS ${key} 0`,
  xreadgroup: (key) => `GROUP g c STREAMS ${key} >`,
  ...Object.fromEntries(
    ['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'fcall', 'fcall_ro'].map((name) => [
      name,
      (key: string) => `x 1 ${key}`,
    ]),
  ),
  ...Object.fromEntries(
    ['zdiff', 'zinter', 'zunion', 'sintercard', 'zintercard'].map((name) => [name, (key: string) => `1 ${key}`]),
  ),
  ...Object.fromEntries(
    ['zdiffstore', 'zinterstore', 'zunionstore'].map((name) => [name, (key: string) => `${key} 1 ${key}`]),
  ),
  ...Object.fromEntries(['lmpop', 'zmpop'].map((name) => [name, (key: string) => `1 ${key} x`])),
  ...Object.fromEntries(['blmpop', 'bzmpop'].map((name) => [name, (key: string) => `1 1 ${key} x`])),
  migrate: (key) => `h 1 ${key} 0 1`,
  sort: (key) => key,
  sort_ro: (key) => key,
  'memory|usage': (key) => key,
};

describe('the user of', () => {
  const prefix = `acl-${randomUUID().slice(0, 8)}`;
  let redis: Redis;
  let commands: Entry[];

  beforeAll(async () => {
    redis = new Redis(testRedisUrl());
    await provisionRedis(testRedisUrl(), { prefix, passwords: newPasswords(APPS) });
    const all = (await redis.call('COMMAND')) as Entry[];
    const withSubcommands = all.flatMap((entry) => [entry, ...((entry[9] as Entry[] | undefined) ?? [])]);
    commands = withSubcommands.filter(([name, , , ...rest]) => !OPEN.has(name) && !(rest[6] as unknown[])?.length);
  });

  afterAll(async () => {
    await removeRedisUsers(testRedisUrl(), prefix);
    redis.disconnect();
  });

  /** What the user may do with that key or channel, or beside all keys, by Redis' own judgement. */
  async function allowed(app: App, place: string): Promise<string[]> {
    const key = place && `${prefix}:${place}`;
    const isChannel = CHANNELS.includes(place);
    const pipeline = redis.pipeline();
    const tried = commands.filter(([name, , flags, first]) => {
      const takesKey = first > 0 || flags.includes('movablekeys') || name in MOVABLE;
      const takesChannel = flags.includes('pubsub') && !name.includes('|');
      return isChannel ? takesChannel : key ? takesKey : !takesKey && !takesChannel;
    });
    for (const entry of tried) {
      const [name] = entry;
      const line =
        name in MOVABLE && key ? [...name.split('|'), ...(MOVABLE[name]?.(key).split(' ') ?? [])] : lineOf(entry, key);
      if (isChannel) line[1] = key;
      pipeline.call('ACL', 'DRYRUN', redisUser(prefix, app), ...line);
    }
    const answers = (await pipeline.exec()) ?? [];
    return tried.flatMap(([name], n) => {
      const [error, answer] = answers[n] ?? [];
      if (error) throw new Error(`${name}: ${error.message}`);
      if (answer !== 'OK' && !/no permissions/.test(String(answer))) throw new Error(`${name}: ${String(answer)}`);
      return answer === 'OK' ? [name] : [];
    });
  }

  it.each(SERVICES)('%s may do what it needs, and no other command with any key', async (app) => {
    const found: Record<string, string[]> = {};
    for (const place of ['', ...KEYS, ...CHANNELS]) {
      const names = await allowed(app, place);
      if (names.length > 0) found[place] = names.sort();
    }
    const expected = Object.entries(MAY[app]).map(([place, names]) => [place, names.split(' ').sort()]);
    expect(found).toEqual(Object.fromEntries(expected));
    expect(commands.length).toBeGreaterThan(300);
  });
});
