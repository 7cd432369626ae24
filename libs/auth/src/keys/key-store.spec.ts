import type { KeySet } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestInvalidations } from '../../test/invalidations';
import { TestKey } from '../../test/tokens';
import { KeyStore } from './key-store';
import { readKeySet } from './verification-key';

const one = new TestKey('one');
const two = new TestKey('two');

/** A token service that counts how often it is asked. */
class Source {
  calls = 0;
  answer: () => Promise<KeySet> = () => sleep(5).then(() => one.set);

  store(): KeyStore {
    return new KeyStore(() => {
      this.calls += 1;
      return this.answer();
    });
  }

  fail(): void {
    this.answer = () => Promise.reject(new Error('the bus is away'));
  }
}

const randomKids = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

describe('KeyStore', () => {
  let source: Source;
  let store: KeyStore | undefined;

  beforeEach(() => {
    source = new Source();
  });

  afterEach(() => {
    store?.stop();
    jest.useRealTimers();
  });

  /** Time passes as the test says. */
  const holdTime = () => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });

  it('gives the KeyObject of a kid, and asks once for all of them', async () => {
    store = source.store();
    await store.start();
    const found = await Promise.all(Array.from({ length: 100 }, () => store?.find('one')));
    expect(found.every((key) => key?.key.equals(one.publicKey) && key.alg === 'ES256')).toBe(true);
    expect(source.calls).toBe(1);
  });

  it('shares one call among all who wait for the first keys', async () => {
    store = source.store();
    const found = await Promise.all(Array.from({ length: 100 }, () => store?.find('one')));
    expect(found.every((key) => key?.kid === 'one')).toBe(true);
    expect(source.calls).toBe(1);
  });

  it('asks once per cool-down, however many kids are invented at once', async () => {
    holdTime();
    source.answer = () => Promise.resolve(one.set);
    store = source.store();
    await store.start();
    for (const round of [2, 2, 2]) {
      const found = await Promise.all(randomKids(1_000).map((kid) => store?.find(kid)));
      expect(found.every((key) => key === undefined)).toBe(true);
      expect(source.calls).toBe(round);
    }
    await jest.advanceTimersByTimeAsync(5_000);
    await Promise.all(randomKids(1_000).map((kid) => store?.find(kid)));
    expect(source.calls).toBe(3);
  });

  it('finds a key that was published after the start', async () => {
    store = source.store();
    await store.start();
    source.answer = () => Promise.resolve({ keys: [one.jwk, two.jwk] });
    expect((await store.find('two'))?.kid).toBe('two');
  });

  it('forgets a key that was withdrawn', async () => {
    holdTime();
    source.answer = () => Promise.resolve(one.set);
    store = source.store();
    await store.start();
    source.answer = () => Promise.resolve(two.set);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await store.find('one')).toBeUndefined();
    expect((await store.find('two'))?.kid).toBe('two');
  });

  it('answers auth_unavailable while no keys could be read, asking no faster than it retries', async () => {
    holdTime();
    source.fail();
    store = source.store();
    const finds = await Promise.allSettled(randomKids(100).map((kid) => store?.find(kid)));
    expect(finds.map((find) => (find as PromiseRejectedResult).reason.code)).toEqual(
      Array(100).fill('auth_unavailable'),
    );
    await expect(store.find('one')).rejects.toMatchObject({ code: 'auth_unavailable' });
    expect(source.calls).toBe(1);
  });

  it('keeps its keys when the token service is away, and says of unknown ones that it cannot know', async () => {
    store = source.store();
    await store.start();
    source.fail();
    await expect(store.find('two')).rejects.toMatchObject({ code: 'auth_unavailable' });
    expect((await store.find('one'))?.kid).toBe('one');
  });

  it('tries again by itself after a failed start', async () => {
    holdTime();
    source.fail();
    store = source.store();
    await store.start();
    source.answer = () => Promise.resolve(one.set);
    await jest.advanceTimersByTimeAsync(1_000);
    expect((await store.find('one'))?.kid).toBe('one');
    expect(source.calls).toBe(2);
  });

  describe('following a invalidations', () => {
    const twoKeys = () => Promise.resolve({ keys: [one.jwk, two.jwk] });

    it('makes everybody wait for the new keys as soon as they are told to have changed', async () => {
      const invalidations = new TestInvalidations();
      store = source.store();
      store.follow(invalidations);
      source.answer = twoKeys;
      await store.start();
      const before = store.version;
      source.answer = () => sleep(30).then(() => two.set);
      invalidations.publish();
      const found = await Promise.all([store.find('one'), store.find('two'), store.find('one')]);
      expect(found.map((key) => key?.kid)).toEqual([undefined, 'two', undefined]);
      expect(store.version).toBeGreaterThan(before);
      expect(source.calls).toBe(2);
    });

    it('does not take an answer for new that was asked for before', async () => {
      const invalidations = new TestInvalidations();
      store = source.store();
      store.follow(invalidations);
      source.answer = () => sleep(30).then(() => one.set);
      const started = store.start();
      invalidations.publish();
      source.answer = () => Promise.resolve(two.set);
      await started;
      expect(await store.find('one')).toBeUndefined();
      expect((await store.find('two'))?.kid).toBe('two');
    });

    it('lets nobody in by keys that have changed, when the new ones cannot be read', async () => {
      holdTime();
      const invalidations = new TestInvalidations();
      source.answer = () => Promise.resolve(one.set);
      store = source.store();
      store.follow(invalidations);
      await store.start();
      source.fail();
      invalidations.publish();
      await expect(store.find('one')).rejects.toMatchObject({ code: 'auth_unavailable' });
      source.answer = () => Promise.resolve(one.set);
      await jest.advanceTimersByTimeAsync(1_000);
      expect((await store.find('one'))?.kid).toBe('one');
    });

    it('reads them again and again while it is silent, and keeps the old ones when that fails', async () => {
      const invalidations = new TestInvalidations(false);
      store = source.store();
      store.follow(invalidations);
      source.answer = twoKeys;
      await store.start();
      source.answer = () => Promise.resolve(two.set);
      await sleep(500);
      expect(await store.find('one')).toBeUndefined();
      source.fail();
      await sleep(300);
      expect((await store.find('two'))?.kid).toBe('two');
      source.answer = () => Promise.resolve(two.set);
      invalidations.fresh = true;
      await sleep(250);
      const { calls } = source;
      await sleep(500);
      expect(source.calls).toBe(calls);
    });

    it('says that the keys are others only when they are', async () => {
      const invalidations = new TestInvalidations();
      store = source.store();
      store.follow(invalidations);
      await store.start();
      const { version } = store;
      invalidations.lose();
      await sleep(30);
      expect([source.calls, store.version]).toEqual([2, version]);
    });
  });

  it('asks no more after stop, even when stopped while asking', async () => {
    holdTime();
    source.answer = () => Promise.resolve(one.set);
    store = source.store();
    const started = store.start();
    store.stop();
    await started;
    await jest.advanceTimersByTimeAsync(120_000);
    expect(source.calls).toBe(1);
  });

  it('takes an answer without keys, or of another form, for a failure', async () => {
    for (const answer of [{ keys: [] }, {}, null, { keys: [null] }, { keys: 'one' }]) {
      source.answer = () => Promise.resolve(answer as unknown as KeySet);
      await expect(source.store().find('one')).rejects.toMatchObject({ code: 'auth_unavailable' });
    }
  });
});

describe('readKeySet', () => {
  it('passes over keys for other uses and of other kinds', () => {
    const others = [{ alg: 'ES384' }, { use: 'enc' }, { kty: 'oct' }, { crv: 'P-384' }].map((change, index) => ({
      ...one.jwk,
      kid: `other${index}`,
      ...change,
    }));
    expect([...readKeySet({ keys: [...others, two.jwk] } as unknown as KeySet).keys()]).toEqual(['two']);
  });

  it('refuses a point that is not on the curve', () => {
    expect(() => readKeySet({ keys: [{ ...one.jwk, y: one.jwk.x }] })).toThrow();
  });
});
