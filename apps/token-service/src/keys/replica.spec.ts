import { loadConfig } from '@puerta/config';
import type { InvalidationListener } from '@puerta/messaging';
import { silentLogger } from '@puerta/observability';
import { waitFor } from '@puerta/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { newEncryptionKey, TestTokenService } from '../../test/token-service';
import { KeyCipher } from './key-cipher';
import { generateKeyPair } from './key-pair';
import { KeyRotation } from './key-rotation';
import type { KeyTools } from './key-tools';
import { keysConfig } from './keys-config';
import { SigningKeysService } from './signing-keys.service';

const HOUR = 3_600;
const OLD = `old:${newEncryptionKey()}`;
const NEW = `new:${newEncryptionKey()}`;

let service: TestTokenService;
let operator: KeyTools;
let replicas: SigningKeysService[] = [];
let listeners: InvalidationListener[] = [];

beforeAll(async () => {
  service = await TestTokenService.create();
  operator = await service.tools({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: OLD });
});

afterAll(() => service.close());

beforeEach(async () => {
  await service.database.query('TRUNCATE keys, outbox');
  await operator.rotation.tend();
});

afterEach(() => {
  for (const replica of replicas) replica.onModuleDestroy();
  replicas = [];
  listeners = [];
});

/** What a replica does about keys, without the rest of it. */
async function start(keys = OLD): Promise<SigningKeysService> {
  const config = loadConfig(keysConfig, {
    TOKEN_SERVICE_DATABASE_URL: 'postgres://localhost/x',
    TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: keys,
  });
  const cipher = new KeyCipher(config.TOKEN_SERVICE_KEY_ENCRYPTION_KEYS);
  const rotation = new KeyRotation(service.database, cipher, config, silentLogger);
  const subscriber = { fresh: false, listen: (listener: InvalidationListener) => void listeners.push(listener) };
  const replica = new SigningKeysService(service.database, cipher, rotation, subscriber, silentLogger);
  replicas.push(replica);
  await replica.onModuleInit();
  return replica;
}

const tellAll = () => listeners.forEach((listener) => listener.event('keys.rotated', {}));
const now = () => Math.floor(Date.now() / 1_000);
const active = async (use: 'access' | 'ticket' = 'access') => {
  const [key] = await operator.list(use);
  if (key?.state !== 'active') throw new Error('there is no active key');
  return key;
};
const eventCount = async () =>
  Number((await service.database.query<[{ count: string }]>('SELECT count(*) FROM outbox'))[0].count);
const sealed = async () => new Set((await operator.list()).map(({ encrypted_with }) => encrypted_with));

describe('signing', () => {
  it('waits until it is written down for how long what is signed is good, by the hour, and then not again', async () => {
    const replica = await start();
    const until = now() + 30 * HOUR + 1;
    const before = await eventCount();
    const other = service.database.createQueryRunner();
    await other.startTransaction();
    await other.query('SELECT FROM keys FOR UPDATE');
    let signed = false;
    const signing = replica.signing('ticket', until).finally(() => (signed = true));
    await sleep(100);
    expect(signed).toBe(false);
    await other.commitTransaction();
    await other.release();
    expect((await signing).kid).toBe((await active('ticket')).kid);
    expect(((await active('ticket')).signed_until?.getTime() ?? 0) / 1_000).toBe(Math.ceil(until / HOUR) * HOUR);

    const query = jest.spyOn(service.database, 'query');
    await Promise.all([replica.signing('ticket', until), replica.signing('ticket', until - 9 * HOUR)]);
    expect(query).not.toHaveBeenCalled();
    await Promise.all(Array.from({ length: 100 }, () => replica.signing('ticket', until + HOUR)));
    expect(query).toHaveBeenCalledTimes(1);
    query.mockRestore();
    // It is nothing to those who verify.
    expect(await eventCount()).toBe(before);
  });

  it('goes on with a key that signs no more, where no invalidation came, as far as was written down and no further', async () => {
    const replica = await start();
    const until = now() + HOUR;
    const first = await replica.signing('access', until);
    await operator.rotation.rotate('access', { now: true });
    expect((await replica.signing('access', until)).kid).toBe(first.kid);
    const second = await replica.signing('access', until + 2 * HOUR);
    expect(second.kid).toBe((await active()).kid);
    expect(second.kid).not.toBe(first.kid);
    const retiring = (await operator.list('access')).find(({ kid }) => kid === first.kid);
    expect(retiring).toMatchObject({ state: 'retiring' });
    expect(retiring?.signed_until?.getTime()).toBeLessThan((until + 2 * HOUR) * 1_000);
  });

  it('goes on while the database is away', async () => {
    const replica = await start();
    const { kid } = await replica.signing('access', now() + HOUR);
    const query = jest.spyOn(service.database, 'query').mockRejectedValue(new Error('away'));
    const find = jest.spyOn(service.database.manager, 'find').mockRejectedValue(new Error('away'));
    tellAll();
    await expect(replica.published('access')).rejects.toThrow('away');
    expect((await replica.signing('access', now() + HOUR)).kid).toBe(kid);
    await expect(replica.signing('access', now() + 9 * HOUR)).rejects.toThrow('away');
    query.mockRestore();
    find.mockRestore();
  });

  it('is done by a key of that use, each of which is one', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const kids = async (replica: SigningKeysService) => [
      (await replica.signing('access', now() + 60)).kid,
      (await replica.signing('ticket', now() + 60)).kid,
    ];
    expect(await kids(one)).toEqual([(await active()).kid, (await active('ticket')).kid]);
    expect(await kids(other)).toEqual(await kids(one));
  });
});

describe('a key that was killed', () => {
  it('signs nothing any more after the invalidation', async () => {
    const replica = await start();
    const { kid } = await replica.signing('access', now() + 60);
    await operator.rotation.kill(kid);
    tellAll();
    await replica.published('access');
    expect((await replica.signing('access', now() + 60)).kid).not.toBe(kid);
  });

  it('signs nothing any more after five seconds where no invalidation can come', async () => {
    const some = await Promise.all([start(), start(), start()]);
    const { kid } = await operator.list('access').then(([key]) => key ?? { kid: '' });
    await operator.rotation.kill(kid);
    await waitFor(async () => {
      const keys = await Promise.all(some.map((replica) => replica.signing('access', now() + 60)));
      return keys.every((key) => key.kid !== kid);
    }, 5_000);
  });
});

describe('rows that were altered', () => {
  const exchange = () => {
    const { x, y } = generateKeyPair('access').publicJwk;
    return `UPDATE keys SET public_jwk = public_jwk || '${JSON.stringify({ x, y })}' WHERE state = 'active' AND use = 'access'`;
  };
  const swap = (column: string, condition: string) =>
    `UPDATE keys SET ${column} = other.${column} FROM keys other WHERE keys.kid <> other.kid AND ${condition}`;
  const flip = (text: string) =>
    `overlay(${text} placing (CASE substr(${text}, 30, 1) WHEN 'A' THEN 'B' ELSE 'A' END) from 30)`;

  const alterations: [string, string, RegExp][] = [
    ['a public key of somebody', exchange(), /was changed/],
    ['the public key of another', swap('public_jwk', 'keys.use = other.use'), /was changed/],
    ['the private key of another', swap('private_key', 'keys.use = other.use'), /has another key "old"/],
    [
      'the private key of another use',
      swap('private_key', 'keys.use <> other.use AND keys.state = other.state'),
      /has another key "old"/,
    ],
    ['another private key', `UPDATE keys SET private_key = ${flip('private_key')}`, /has another key "old"/],
    [
      'a private key under an encryption key that there is not',
      `UPDATE keys SET private_key = 'x' || private_key`,
      /has no key "xold"/,
    ],
    ['another name', `UPDATE keys SET kid = 'abcd' WHERE use = 'ticket' AND state = 'next'`, /has another key "old"/],
    [
      'another use, of the same form',
      `ALTER TABLE keys DROP CONSTRAINT IF EXISTS keys_kid_check;
       UPDATE keys SET use = 'access', state = 'retiring', signed_until = now() + interval '1 day' WHERE use = 'assertion' AND state = 'active'`,
      /was changed/,
    ],
    [
      'another use',
      // Whoever can do that can remove the constraint that forbids it.
      `ALTER TABLE keys DROP CONSTRAINT IF EXISTS keys_kid_check;
       UPDATE keys SET use = 'ticket', state = 'retiring', signed_until = now() + interval '1 day' WHERE use = 'access' AND state = 'active'`,
      /not the kid of a key for tickets/,
    ],
  ];

  it.each(alterations)('keep a replica from starting: %s', async (_, statement, reason) => {
    await service.database.query(statement);
    await expect(start()).rejects.toThrow(reason);
  });

  it('are not believed by a replica that runs, which publishes and signs with what it has', async () => {
    const replica = await start();
    const published = await replica.published('access');
    const { kid } = await replica.signing('access', now() + 60);
    await service.database.query(exchange());
    expect(await replica.published('access')).toEqual(published);
    expect((await replica.signing('access', now() + 60)).kid).toBe(kid);
  });

  it('are left out by a replica that runs and has not got them, which learns of the others all the same', async () => {
    const replica = await start();
    const { kid } = await active();
    const [, next] = await operator.list('ticket');
    // A row that came while nobody looked: its private half is that of no key.
    replica.onModuleDestroy();
    await operator.rotation.kill(next?.kid ?? '');
    const [, another] = await operator.list('ticket');
    await service.database.query(`UPDATE keys SET private_key = 'x' || private_key WHERE kid = $1`, [another?.kid]);
    const tickets = await replica.published('ticket');
    expect(tickets.keys.map((key) => key.kid)).toEqual([(await active('ticket')).kid]);
    expect(replica.isSound).toBe(false);
    await operator.rotation.kill(kid);
    expect((await replica.published('access')).keys.map((key) => key.kid)).not.toContain(kid);
    expect((await replica.signing('access', now() + 60)).kid).not.toBe(kid);
    await operator.rotation.kill(another?.kid ?? '');
    expect((await replica.published('ticket')).keys).toHaveLength(2);
    expect(replica.isSound).toBe(true);
  });
});

describe('another encryption key', () => {
  it('under a name that is taken makes no key: nobody could open it', async () => {
    const stranger = await service.tools({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `old:${newEncryptionKey()}` });
    const before = await operator.list();
    await expect(stranger.rotation.rotate('ticket', { now: true })).rejects.toThrow('opens none of the keys there are');
    await expect(stranger.rotation.kill((await active()).kid)).rejects.toThrow('opens none of the keys there are');
    expect(await operator.list()).toEqual(before);
  });

  it('seals all keys anew at the start, by several replicas at once, and publishes nothing: then the old one may go', async () => {
    const before = await start().then((replica) => replica.published('ticket'));
    const events = await eventCount();
    await Promise.all(Array.from({ length: 4 }, () => start(`${NEW},${OLD}`)));
    expect(await sealed()).toEqual(new Set(['new']));
    const after = await start(NEW);
    expect(await after.published('ticket')).toEqual(before);
    expect(await eventCount()).toBe(events);
    await expect(start(OLD)).rejects.toThrow('has no key "new"');
  });

  it('is nothing to a replica that runs and has the keys already', async () => {
    const old = await start();
    const { keys } = await old.published('access');
    await start(`${NEW},${OLD}`);
    expect((await old.published('access')).keys).toEqual(keys);
    expect((await old.signing('access', now() + 9 * HOUR)).kid).toBe(keys[0]?.kid);
  });

  it('may be there before it is first, so that replicas of either order open each other’s keys', async () => {
    const [one, two] = [await start(`${OLD},${NEW}`), await start(`${NEW},${OLD}`)];
    const both = await service.tools({ TOKEN_SERVICE_KEY_ENCRYPTION_KEYS: `${OLD},${NEW}` });
    await both.rotation.rotate('access', { now: true });
    expect((await one.published('access')).keys).toEqual((await two.published('access')).keys);
  });
});
