import { type AccessFacts, type CheckAccessDto, DomainError, type Role, ROLES } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { stopwatch } from '@puerta/testing';
import { TestInvalidations } from '../../test/invalidations';
import { ISSUER, now, TestKey } from '../../test/tokens';
import { type FactsSource, AccessFactsCache } from '../cache/access-facts-cache';
import { VerifiedTokenCache } from '../cache/verified-token-cache';
import type { RawRequest } from '../http/bearer-token';
import { KeyStore } from '../keys/key-store';
import { TokenVerifier } from '../tokens/token-verifier';
import { Authenticator } from './authenticator';
import { type Identity, permit, type UserIdentity } from './identity';
import type { Requirement } from './requirement';

const key = new TestKey('k1');
const keys = new KeyStore(() => Promise.resolve(key.set));

const good: AccessFacts = { user: 'active', session: 'active', email: 'new@example.com', role: 'issuer' };
const PUBLIC: Requirement = { guard: 'public' };
const OPTIONAL: Requirement = { guard: 'optional' };
const INITIAL: Requirement = { guard: 'initial' };
const SCAN: Requirement = { guard: 'scan' };
const strict = (leastRole: Role = 'member'): Requirement => ({ guard: 'strict', leastRole });

const request = (token?: string): RawRequest => ({
  rawHeaders: token === undefined ? [] : ['Authorization', `Bearer ${token}`],
});

/** Nothing is kept unless a test brings a invalidations that speaks. */
const silent = new TestInvalidations(false);

function authenticator(
  facts: Partial<AccessFacts> | FactsSource = {},
  invalidations = silent,
  store = keys,
): Authenticator {
  const source = typeof facts === 'function' ? facts : () => Promise.resolve({ ...good, ...facts });
  const verifier = new TokenVerifier({ access: store, scan: store }, ISSUER);
  return new Authenticator(
    verifier,
    new VerifiedTokenCache(verifier, store, invalidations),
    new AccessFactsCache(source, invalidations),
  );
}

const outcome = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

describe('Authenticator', () => {
  it('says who asks, with the facts of now and not those of the token', async () => {
    const [sub, sid, company_id] = [randomUUID(), randomUUID(), randomUUID()];
    const asked: CheckAccessDto[] = [];
    const facts: FactsSource = (subject) => {
      asked.push(subject);
      return Promise.resolve(good);
    };
    const token = key.access({ sub, sid, company_id, email: 'old@example.com', roles: ['owner'], exp: 4_000_000_000 });
    expect(await authenticator(facts).authenticate(request(token), strict())).toEqual({
      kind: 'user',
      actor: { user_id: sub, session_id: sid, email: 'new@example.com', company_id, role: 'issuer' },
      tokenCompanyId: company_id,
      expiresAt: 4_000_000_000,
    });
    expect(asked).toEqual([{ user_id: sub, session_id: sid, company_id }]);
  });

  it('names no company in which the user has no role any more', async () => {
    const identity = await authenticator({ role: null }).authenticate(request(key.access()), INITIAL);
    expect(identity).toMatchObject({ actor: { company_id: null, role: null } });
  });

  it('takes no role from facts about no company', async () => {
    const identity = await authenticator({ role: 'owner' }).authenticate(
      request(key.access({ company_id: undefined })),
      INITIAL,
    );
    expect(identity).toMatchObject({ actor: { company_id: null, role: null } });
  });

  it.each<[string, Partial<AccessFacts>, string, string]>([
    ['an active member', {}, 'ok', 'ok'],
    ['no member', { role: null }, 'ok', 'not_a_member'],
    ['a revoked session', { session: 'revoked' }, 'session_revoked', 'session_revoked'],
    ['an inactive user', { user: 'inactive' }, 'session_revoked', 'session_revoked'],
    [
      'an unknown user',
      { user: 'unknown', session: 'revoked', email: null },
      'access_token_invalid',
      'access_token_invalid',
    ],
    ['facts that say nothing', { user: undefined, session: undefined }, 'session_revoked', 'session_revoked'],
  ])('%s', async (_, facts, initial, strictly) => {
    expect(await outcome(authenticator(facts).authenticate(request(key.access()), INITIAL))).toBe(initial);
    expect(await outcome(authenticator(facts).authenticate(request(key.access()), strict()))).toBe(strictly);
  });

  it('says the same of who was let in before, as soon as it is told of a change', async () => {
    const cases: [Partial<AccessFacts>, Requirement, string][] = [
      [{}, strict('issuer'), 'ok'],
      [{ role: 'member' }, strict('issuer'), 'role_required'],
      [{ role: null }, strict(), 'not_a_member'],
      [{ role: null }, INITIAL, 'ok'],
      [{ session: 'revoked' }, INITIAL, 'session_revoked'],
      [{ user: 'inactive' }, strict(), 'session_revoked'],
      [{ user: 'unknown' }, INITIAL, 'access_token_invalid'],
    ];
    for (const [facts, requirement, expected] of cases) {
      const invalidations = new TestInvalidations();
      let current: Partial<AccessFacts> = {};
      let asked = 0;
      const source: FactsSource = () => {
        asked += 1;
        return Promise.resolve({ ...good, ends_in_ms: 60_000, ...current });
      };
      const auth = authenticator(source, invalidations);
      const token = request(key.access());
      const identity = (await auth.authenticate(token, requirement)) as UserIdentity;
      expect([auth.recheck(identity, requirement), asked]).toEqual([identity, 1]);
      current = facts;
      invalidations.publish({ user_id: identity.actor.user_id });
      const rechecked = outcome(Promise.resolve(auth.recheck(identity, requirement)));
      expect([await rechecked, await outcome(auth.authenticate(token, requirement))]).toEqual([expected, expected]);
    }
  });

  it('says that it does not know whether who was let in before still is, when identity cannot tell', async () => {
    let away = false;
    const auth = authenticator(() => (away ? Promise.reject(new Error('away')) : Promise.resolve(good)));
    const identity = (await auth.authenticate(request(key.access()), strict())) as UserIdentity;
    away = true;
    expect(await outcome(Promise.resolve(auth.recheck(identity, strict())))).toBe('auth_unavailable');
  });

  it('requires a company for StrictAuth alone', async () => {
    const token = key.access({ company_id: null });
    expect(await outcome(authenticator({ role: null }).authenticate(request(token), INITIAL))).toBe('ok');
    expect(await outcome(authenticator({ role: null }).authenticate(request(token), strict()))).toBe(
      'company_required',
    );
  });

  it('lets each role do what it and those before it may, whatever the token claims', async () => {
    for (const [has, role] of ROLES.entries()) {
      for (const [needs, least] of ROLES.entries()) {
        const token = key.access({ roles: ['owner'] });
        const asked = authenticator({ role }).authenticate(request(token), strict(least));
        expect(await outcome(asked)).toBe(has >= needs ? 'ok' : 'role_required');
      }
    }
  });

  it('refuses a role that it does not know', async () => {
    const asked = authenticator({ role: 'superuser' as Role }).authenticate(request(key.access()), strict());
    expect(await outcome(asked)).toBe('role_required');
  });

  describe('which credential a route takes', () => {
    const tokens = { none: undefined, access: () => key.access(), scan: () => key.scan(), junk: () => 'junk' };
    const expired = { access: () => key.access({ exp: now() - 60 }), scan: () => key.scan({ exp: now() - 60 }) };
    it.each<[Requirement, keyof typeof tokens, string]>([
      [PUBLIC, 'none', 'ok'],
      [PUBLIC, 'access', 'ok'],
      [PUBLIC, 'junk', 'ok'],
      [OPTIONAL, 'none', 'ok'],
      [OPTIONAL, 'access', 'ok'],
      [OPTIONAL, 'scan', 'access_token_invalid'],
      [OPTIONAL, 'junk', 'access_token_invalid'],
      [INITIAL, 'none', 'unauthenticated'],
      [INITIAL, 'access', 'ok'],
      [INITIAL, 'scan', 'access_token_invalid'],
      [strict(), 'none', 'unauthenticated'],
      [strict(), 'access', 'ok'],
      [strict(), 'scan', 'access_token_invalid'],
      [SCAN, 'none', 'unauthenticated'],
      [SCAN, 'scan', 'ok'],
      [SCAN, 'access', 'access_token_invalid'],
    ])('%j with %s: %s', async (requirement, credential, expected) => {
      expect(await outcome(authenticator().authenticate(request(tokens[credential]?.()), requirement))).toBe(expected);
    });

    it('says that a genuine token has expired, of each kind in its own words', async () => {
      expect(await outcome(authenticator().authenticate(request(expired.access()), INITIAL))).toBe(
        'access_token_expired',
      );
      expect(await outcome(authenticator().authenticate(request(expired.scan()), SCAN))).toBe('scan_expired');
      expect(await outcome(authenticator().authenticate(request(expired.access()), SCAN))).toBe('access_token_invalid');
    });

    it('reads the id of the scan from the pass, and asks nobody about it', async () => {
      const scanId = randomUUID();
      const never: FactsSource = () => Promise.reject(new Error('asked'));
      const identity = await authenticator(never).authenticate(request(key.scan({ sub: scanId })), SCAN);
      expect(identity).toMatchObject({ kind: 'scan', scanId });
    });
  });

  it('permits a route to the kind of identity that it names and to no other', () => {
    const identities: Identity[] = [{ kind: 'anonymous' }, { kind: 'scan', scanId: randomUUID(), expiresAt: 0 }];
    for (const identity of identities) {
      expect(() => permit(identity, INITIAL)).toThrow(DomainError);
      expect(() => permit(identity, strict())).toThrow(DomainError);
    }
    expect(() => permit({ kind: 'anonymous' }, SCAN)).toThrow(DomainError);
  });

  describe('when something that it needs is away', () => {
    it.each(['service_unavailable', 'outcome_unknown', 'overloaded', 'internal'] as const)(
      'answers auth_unavailable when identity answers %s',
      async (code) => {
        const asked = authenticator(() => Promise.reject(new DomainError(code))).authenticate(
          request(key.access()),
          INITIAL,
        );
        await expect(asked).rejects.toMatchObject({ code: 'auth_unavailable', cause: { code } });
      },
    );

    it('answers auth_unavailable without keys', async () => {
      const keyless = authenticator({}, silent, new KeyStore(() => Promise.reject(new Error('away'))));
      expect(await outcome(keyless.authenticate(request(key.access()), INITIAL))).toBe('auth_unavailable');
    });

    it('answers within a second when nothing answers it', async () => {
      const elapsed = stopwatch();
      const waiting = authenticator(() => new Promise(() => {}));
      expect(await outcome(waiting.authenticate(request(key.access()), INITIAL))).toBe('auth_unavailable');
      expect(elapsed()).toBeLessThan(1_000);
    });

    it('asks nobody for a token that is not good', async () => {
      const facts = jest.fn<Promise<AccessFacts>, [CheckAccessDto]>(() => Promise.resolve(good));
      await outcome(authenticator(facts).authenticate(request(new TestKey('k1').access()), INITIAL));
      expect(facts).not.toHaveBeenCalled();
    });
  });

  describe('asked about a token that it knows, of a user it knows', () => {
    const lasting = { ...good, ends_in_ms: 60_000 };

    it('asks nobody, and says the same', async () => {
      const facts = jest.fn<Promise<AccessFacts>, [CheckAccessDto]>(() => Promise.resolve(lasting));
      const [door, token] = [authenticator(facts, new TestInvalidations()), key.access()];
      const first = await door.authenticate(request(token), strict());
      for (let n = 0; n < 5; n += 1) expect(await door.authenticate(request(token), strict())).toEqual(first);
      expect(facts).toHaveBeenCalledTimes(1);
      expect(await outcome(door.authenticate(request(token), strict('owner')))).toBe('role_required');
    });

    it('recognizes who it is at once, and refuses as ever', async () => {
      const [invalidations, token] = [new TestInvalidations(), key.access()];
      const door = authenticator(() => Promise.resolve(lasting), invalidations);
      expect(door.recognize(request(token), strict())).toBeUndefined();
      const identity = await door.authenticate(request(token), strict());
      expect(door.recognize(request(token), strict())).toEqual(identity);
      expect(door.recognize(request(), PUBLIC)).toEqual({ kind: 'anonymous' });
      const recognized = (asked: RawRequest, requirement: Requirement) =>
        outcome(Promise.resolve().then(() => door.recognize(asked, requirement)));
      expect(await recognized(request(token), strict('owner'))).toBe('role_required');
      expect(await recognized(request(), INITIAL)).toBe('unauthenticated');
      expect(await recognized(request('junk!'), INITIAL)).toBe('access_token_invalid');
      // Another spelling of a token is another token, and a scan pass is never known.
      expect(door.recognize(request(`${token}A`), strict())).toBeUndefined();
      expect(door.recognize(request(token), SCAN)).toBeUndefined();
      invalidations.fresh = false;
      expect(door.recognize(request(token), strict())).toBeUndefined();
    });

    it('asks again after an invalidation', async () => {
      let facts: AccessFacts = lasting;
      const [invalidations, token, sub] = [new TestInvalidations(), key.access(), randomUUID()];
      const door = authenticator(() => Promise.resolve(facts), invalidations);
      const mine = key.access({ sub });
      expect(await outcome(door.authenticate(request(mine), INITIAL))).toBe('ok');
      expect(await outcome(door.authenticate(request(token), INITIAL))).toBe('ok');
      facts = { ...good, session: 'revoked' };
      invalidations.publish({ user_id: sub }, 'session.revoked');
      expect(await outcome(door.authenticate(request(mine), INITIAL))).toBe('session_revoked');
      expect(await outcome(door.authenticate(request(token), INITIAL))).toBe('ok');
    });

    it('asks each time while the stream is silent, and lets nobody in when identity is away', async () => {
      const [invalidations, token] = [new TestInvalidations(), key.access()];
      const facts = jest.fn<Promise<AccessFacts>, [CheckAccessDto]>(() => Promise.resolve(lasting));
      const door = authenticator(facts, invalidations);
      expect(await outcome(door.authenticate(request(token), INITIAL))).toBe('ok');
      facts.mockImplementation(() => Promise.reject(new DomainError('service_unavailable')));
      expect(await outcome(door.authenticate(request(token), INITIAL))).toBe('ok');
      invalidations.fresh = false;
      expect(await outcome(door.authenticate(request(token), INITIAL))).toBe('auth_unavailable');
    });

    it('looks at the form of a header first, as ever', async () => {
      const [door, token] = [authenticator(() => Promise.resolve(lasting), new TestInvalidations()), key.access()];
      await door.authenticate(request(token), INITIAL);
      const twice = { rawHeaders: [...request(token).rawHeaders, ...request(token).rawHeaders] };
      expect(await outcome(door.authenticate(twice, INITIAL))).toBe('access_token_invalid');
      expect(await outcome(door.authenticate(request(token), SCAN))).toBe('access_token_invalid');
    });
  });
});
