import { hashSlot } from './hash-slot';
import { parseRedisUrl } from './redis-url';

describe('a Redis URL', () => {
  it('names one Redis, with a database', () => {
    expect(parseRedisUrl('redis://user:p%40ss@[::1]:6380/3')).toEqual({
      ...{ kind: 'single', tls: false, addresses: [{ host: '::1', port: 6380 }], database: 3 },
      ...{ credentials: { username: 'user', password: 'p@ss' }, primary: '', sentinel: {} },
    });
    expect(parseRedisUrl('rediss://host')).toMatchObject({
      ...{ tls: true, addresses: [{ host: 'host', port: 6379 }], credentials: {}, database: 0 },
    });
  });

  it('names Sentinels, the primary and a database, with a password for each', () => {
    const url = 'rediss-sentinel://:pw@a,b:26380,[fd00::1]/main/2?sentinel_user=s&sentinel_password=s%26w';
    expect(parseRedisUrl(url)).toEqual({
      ...{ kind: 'sentinel', tls: true, database: 2, primary: 'main' },
      addresses: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 26380 },
        { host: 'fd00::1', port: 26379 },
      ],
      credentials: { password: 'pw' },
      sentinel: { username: 's', password: 's&w' },
    });
  });

  it('names nodes of a Cluster', () => {
    expect(parseRedisUrl('redis-cluster://user:pw@a:7000, b')).toMatchObject({
      ...{ kind: 'cluster', database: 0, credentials: { username: 'user', password: 'pw' } },
      addresses: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 6379 },
      ],
    });
  });

  it.each(['', 'localhost:6379', 'http://h', 'redis://', 'redis://a,b', 'redis-cluster://a,b:x', 'redis-other://a'])(
    'is not %j',
    (text) => expect(() => parseRedisUrl(text)).toThrow(TypeError),
  );
});

it('knows the slot of a key as the specification does', () => {
  expect(hashSlot('123456789')).toBe(0x31c3);
  expect(hashSlot('bus:{identity}:gateway:fast')).toBe(hashSlot('identity'));
  expect(hashSlot('foo{}{bar}')).not.toBe(hashSlot('bar'));
  expect(hashSlot('foo{{bar}}zap')).toBe(hashSlot('{bar'));
});
