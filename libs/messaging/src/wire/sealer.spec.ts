import { type KeyObject } from 'node:crypto';
import { newKey, sealerOf } from '../../test/keys';

const k1 = newKey();
const k2 = newKey();
const sealer = sealerOf({ k1 });
const TEXT = 'canary ñ 🚪';

it('opens what it or another holder of the key sealed, whatever its length', () => {
  for (const text of ['', 'a', TEXT, 'x'.repeat(300_000)]) {
    expect(sealer.open(sealer.seal(text, 'c'), 'c')).toBe(text);
    expect(sealerOf({ k1 }).open(sealer.seal(text, 'c'), 'c')).toBe(text);
  }
});

it('shows nothing of the text, and seals the same text differently each time', () => {
  const sealed = Array.from({ length: 1_000 }, () => sealer.seal(TEXT, 'c'));
  expect(new Set(sealed).size).toBe(1_000);
  expect(new Set(sealed.map((one) => one.split('.')[3])).size).toBe(1_000);
  expect(sealed.join()).not.toContain('canary');
});

/** `2.k1.`, 22 characters of salt, a dot, and 12 bytes in base64url. */
const END_OF_NONCE = 5 + 22 + 1 + 16;

it('never uses one nonce twice under one key', () => {
  const places = new Set<string>();
  for (const one of [sealer, sealerOf({ k1 }), sealerOf({ k1 })]) {
    for (let i = 0; i < 500; i += 1) places.add(one.seal('', '').slice(0, END_OF_NONCE));
  }
  expect(places.size).toBe(1_500);
});

it('does not open under another context, another key, or another id of the same key', () => {
  const sealed = sealer.seal(TEXT, 'c');
  expect(sealer.open(sealed, 'C')).toBeUndefined();
  expect(sealerOf({ k1: k2 }).open(sealed, 'c')).toBeUndefined();
  expect(sealerOf({ k2: k1 }).open(sealed, 'c')).toBeUndefined();
  expect(sealerOf({ k2: k1 }).open(sealed.replace('2.k1.', '2.k2.'), 'c')).toBeUndefined();
});

it('does not open what was altered in a single character, cut, or written in another form', () => {
  const sealed = sealer.seal(TEXT, 'c');
  for (let i = 0; i < sealed.length; i += 1) {
    for (const other of ['A', 'B', '0', '-', '.', '=', ' ', '\n', 'é']) {
      if (sealed[i] === other) continue;
      expect(sealer.open(sealed.slice(0, i) + other + sealed.slice(i + 1), 'c')).toBeUndefined();
      expect(sealer.open(sealed.slice(0, i) + other + sealed.slice(i), 'c')).toBeUndefined();
    }
    expect(sealer.open(sealed.slice(0, i), 'c')).toBeUndefined();
    expect(sealer.open(sealed.slice(i + 1), 'c')).toBeUndefined();
  }
  expect(sealer.open(`${sealed}.`, 'c')).toBeUndefined();
  for (const junk of ['', '.', '...', '2.k1..', '2.constructor.a.b', '\u0000', '{}']) {
    expect(sealer.open(junk, 'c')).toBeUndefined();
  }
});

it('opens under every key it has, so that a key can be replaced while both are in use', () => {
  const steps: Record<string, KeyObject>[] = [{ k1 }, { k1, k2 }, { k2, k1 }, { k2 }];
  const sealers = steps.map(sealerOf);
  for (let i = 1; i < sealers.length; i += 1) {
    const [before = sealer, after = sealer] = [sealers[i - 1], sealers[i]];
    expect(after.open(before.seal(TEXT, 'c'), 'c')).toBe(TEXT);
    expect(before.open(after.seal(TEXT, 'c'), 'c')).toBe(TEXT);
  }
});

it('goes on opening for more sealers than it keeps keys of', () => {
  const sealed = Array.from({ length: 1_200 }, () => sealerOf({ k1 }).seal(TEXT, 'c'));
  const opener = sealerOf({ k1 });
  for (let round = 0; round < 2; round += 1) {
    for (const one of sealed) expect(opener.open(one, 'c')).toBe(TEXT);
  }
});
