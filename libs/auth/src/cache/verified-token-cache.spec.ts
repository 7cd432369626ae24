import { TestInvalidations } from '../../test/invalidations';
import { ISSUER, now, TestKey } from '../../test/tokens';
import { KeyStore } from '../keys/key-store';
import { TokenVerifier } from '../tokens/token-verifier';
import { VerifiedTokenCache } from './verified-token-cache';

const key = new TestKey('k1');
const other = new TestKey('k2');

function setUp() {
  const invalidations = new TestInvalidations();
  const published = { keys: [key.jwk, other.jwk] };
  const keys = new KeyStore(() => Promise.resolve({ keys: [...published.keys] }));
  keys.follow(invalidations);
  const verifier = new TokenVerifier({ access: keys }, ISSUER);
  const verify = jest.spyOn(verifier, 'verify');
  const tokens = new VerifiedTokenCache(verifier, keys, invalidations);
  stops.push(() => keys.stop());
  return { invalidations, published, keys, verify, tokens };
}

const stops: (() => void)[] = [];
afterEach(() => {
  jest.useRealTimers();
  for (const stop of stops.splice(0)) stop();
});

/** The same, the keys being read. */
async function ready() {
  const all = setUp();
  await all.keys.start();
  return all;
}

describe('a verified token', () => {
  it('is known by its whole text', async () => {
    const { tokens } = await ready();
    const token = key.access();
    expect(tokens.get(token)).toBeUndefined();
    const claims = await tokens.verify(token);
    expect(tokens.get(token)).toEqual(claims);
    expect(tokens.get(`${token}A`)).toBeUndefined();
    expect(tokens.get(token.slice(0, -1))).toBeUndefined();
    expect(tokens.get(key.access({ sub: claims.sub }))).toBeUndefined();
  });

  it('is none that was refused', async () => {
    const { tokens } = await ready();
    for (const token of [key.access({ exp: now() - 60 }), key.scan(), 'junk', key.access({ iss: 'another' })]) {
      await expect(tokens.verify(token)).rejects.toThrow();
      expect(tokens.get(token)).toBeUndefined();
    }
  });

  it('is known until it expires, by the same leeway as when it was verified', async () => {
    const { tokens } = await ready();
    jest.useFakeTimers({ now: 1_800_000_000_000, doNotFake: ['nextTick', 'setImmediate'] });
    const token = key.access({ iat: 1_800_000_000, exp: 1_800_000_002 });
    await tokens.verify(token);
    jest.advanceTimersByTime(6_999);
    expect(tokens.get(token)).toBeDefined();
    await expect(tokens.verify(token)).resolves.toBeDefined();
    jest.advanceTimersByTime(1);
    expect(tokens.get(token)).toBeUndefined();
    await expect(tokens.verify(token)).rejects.toMatchObject({ reason: 'expired' });
  });

  it('is verified again after half a minute', async () => {
    const { tokens } = await ready();
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const token = key.access();
    await tokens.verify(token);
    jest.advanceTimersByTime(29_999);
    expect(tokens.get(token)).toBeDefined();
    jest.advanceTimersByTime(1);
    expect(tokens.get(token)).toBeUndefined();
  });

  it('is verified each time while nobody tells of changes', async () => {
    const { tokens, invalidations } = await ready();
    const token = key.access();
    await tokens.verify(token);
    invalidations.fresh = false;
    expect(tokens.get(token)).toBeUndefined();
    invalidations.fresh = true;
    expect(tokens.get(token)).toBeDefined();
  });

  it('dies with its key as soon as that one is withdrawn, and the others are verified anew', async () => {
    const { tokens, invalidations, published } = await ready();
    const [dead, alive] = [key.access(), other.access()];
    await Promise.all([tokens.verify(dead), tokens.verify(alive)]);
    published.keys.shift();
    invalidations.publish({}, 'keys.rotated');
    expect([tokens.get(dead), tokens.get(alive)]).toEqual([undefined, undefined]);
    await expect(tokens.verify(dead)).rejects.toMatchObject({ reason: 'unknown_key' });
    await expect(tokens.verify(alive)).resolves.toBeDefined();
    expect(tokens.get(alive)).toBeDefined();
  });

  it('is not kept if the keys changed while it was verified', async () => {
    const { tokens, invalidations, verify } = await ready();
    const token = key.access();
    const verifying = tokens.verify(token);
    invalidations.publish({}, 'keys.rotated');
    await verifying;
    expect(verify).toHaveBeenCalledTimes(1);
    expect(tokens.get(token)).toBeUndefined();
  });

  it('stays while the keys are read again and are the same', async () => {
    const { tokens, invalidations } = await ready();
    const token = key.access();
    await tokens.verify(token);
    invalidations.lose();
    await new Promise((resolve) => setImmediate(resolve));
    expect(tokens.get(token)).toBeDefined();
  });

  it('is one of twenty thousand at most', async () => {
    const claims = { sub: 'x', exp: now() + 900 };
    const tokens = new VerifiedTokenCache(
      { verify: () => Promise.resolve(claims as never) },
      { version: 0 },
      new TestInvalidations(),
    );
    for (let n = 0; n < 20_500; n += 1) await tokens.verify(`t${n}`);
    const known = Array.from({ length: 20_500 }, (_none, n) => tokens.get(`t${n}`)).filter(Boolean);
    expect(known).toHaveLength(20_000);
  });
});
