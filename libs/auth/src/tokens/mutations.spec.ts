import fc from 'fast-check';
import { anyCharacter } from '@puerta/testing';
import { mutationsOf } from '../../test/mutations';
import { makers, names, signers, takers, verdict } from '../../test/verifiers';

describe.each(names)('no change to a live token is accepted: %s', (name) => {
  const token = makers[name]();
  const sign = signers[name];
  const parts = token.split('.') as [string, string, string];
  const header = JSON.parse(Buffer.from(parts[0], 'base64url').toString()) as Record<string, string>;
  const payload = Buffer.from(parts[1], 'base64url');

  beforeAll(async () => expect(await takers(token)).toEqual([name]));

  it('of thousands that were thought of, by any verifier', async () => {
    const mutations = mutationsOf({ token, sign });
    expect(mutations.size).toBeGreaterThan(4_000);
    const accepted: string[] = [];
    for (const [changed, what] of mutations) if ((await takers(changed)).length > 0) accepted.push(what);
    expect(accepted).toEqual([]);
  });

  const refused = async (changed: string): Promise<void> => {
    if (changed !== token) expect(await takers(changed)).toEqual([]);
  };

  it('any text put in anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length),
        fc.string({ minLength: 1, maxLength: 8, unit: anyCharacter }),
        async (at, text) => {
          await refused(token.slice(0, at) + text + token.slice(at));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('any header that its own key signs, but the one', async () => {
    const members = fc.constantFrom('alg', 'typ', 'kid', 'jwk', 'jku', 'crit', 'b64', '__proto__', 'ALG', 'x5t#S256');
    const values = fc.oneof(
      fc.constantFrom(...Object.values(header), 'none', 'HS256', 'at+jwt'),
      fc.jsonValue({ maxDepth: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(members, values), { selector: ([member]) => member, maxLength: 6 }),
        async (all) => {
          const text = `{${all.map(([member, value]) => `"${member}":${JSON.stringify(value)}`).join(',')}}`;
          const given = Object.fromEntries(all);
          const isRight =
            all.length === 3 && Object.entries(header).every(([member, value]) => given[member] === value);
          expect(await takers(sign(text, payload))).toEqual(isRight ? [name] : []);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('any payload that its key has not signed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
        ),
        async (text) => {
          await refused(`${parts[0]}.${Buffer.from(text).toString('base64url')}.${parts[2]}`);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('any other signature', async () => {
    const { length } = Buffer.from(parts[2], 'base64url');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: length, maxLength: length }), async (bytes) => {
        await refused(`${parts[0]}.${parts[1]}.${Buffer.from(bytes).toString('base64url')}`);
      }),
      { numRuns: 150 },
    );
  });

  it('any text at all', async () => {
    const part = fc.oneof(fc.base64String(), fc.string(), fc.constantFrom(...parts, ''));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (all) => refused(all.join('.'))),
      { numRuns: 150 },
    );
  });
});

it('an ECDSA signature has one twin, (r, n − s), which is the same token in another spelling: its jti says so', async () => {
  const token = makers['access, ES256']();
  const at = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(at), 'base64url');
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const twin = (order - BigInt(`0x${signature.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0');
  const other =
    token.slice(0, at) + Buffer.concat([signature.subarray(0, 32), Buffer.from(twin, 'hex')]).toString('base64url');
  expect(other).not.toBe(token);
  expect(await verdict('access, ES256', other)).toBe('accepted');
});
