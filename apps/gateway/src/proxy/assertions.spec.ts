import { Authenticator, type UserIdentity } from '@puerta/auth';
import { DomainError, type IssueAssertionDto, type tokenServiceContract } from '@puerta/contracts';
import {
  callContext,
  type InvalidationListener,
  type InvalidationSubscriber,
  invalidationsOfService,
  type ServiceClient,
} from '@puerta/messaging';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { proxied } from '../../test/proxied';
import { ACTOR, startTestGateway, type TestGateway } from '../../test/test-gateway';
import { TestUpstream } from '../../test/test-upstream';
import { Assertions } from './assertions';

const ana: UserIdentity = {
  kind: 'user',
  actor: {
    user_id: randomUUID(),
    session_id: randomUUID(),
    email: 'ana@example.com',
    company_id: randomUUID(),
    role: 'issuer',
  },
  tokenCompanyId: null,
  expiresAt: 0,
};
const as = (changes: Partial<UserIdentity['actor']>): UserIdentity => ({ ...ana, actor: { ...ana.actor, ...changes } });

/** The token-service, which says what it was asked and signs it when it is let. */
class Signer {
  readonly asked: IssueAssertionDto[] = [];
  held: (() => void)[] | undefined;
  failing: Error | undefined;

  async request(pattern: string, dto: IssueAssertionDto): Promise<{ token: string; expires_in: number }> {
    if (pattern !== 'assertions.issue') throw new Error(pattern);
    this.asked.push(dto);
    const number = this.asked.length;
    await new Promise<void>((resolve) => (this.held ? this.held.push(resolve) : setImmediate(resolve)));
    if (this.failing) throw this.failing;
    return { token: `${number} ${JSON.stringify(dto)}`, expires_in: 30 };
  }
}

let signer: Signer;
let source: { fresh: boolean; listener: InvalidationListener | undefined };
let assertions: Assertions;
let now: number;

beforeEach(() => {
  now = 1_000;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  signer = new Signer();
  source = { fresh: true, listener: undefined };
  assertions = new Assertions(signer as unknown as ServiceClient<typeof tokenServiceContract>, {
    get fresh() {
      return source.fresh;
    },
    listen: (listener) => void (source.listener = listener),
  });
});

afterEach(() => jest.restoreAllMocks());

it('says the facts of the identity headers, to one service', async () => {
  await assertions.get(ana, 'query');
  const { user_id, email, company_id } = ana.actor;
  expect(signer.asked).toEqual([{ audience: 'query', user_id, email, company_id, roles: ['issuer'] }]);
});

it('has neither company nor role where there is none', async () => {
  await assertions.get(as({ company_id: null, role: null }), 'query');
  expect(signer.asked[0]).toMatchObject({ company_id: null, roles: [] });
});

it('is there at once while half of its life remains, and not a moment longer', async () => {
  const first = await assertions.get(ana, 'query');
  // Of thirty seconds, one of which may be gone when it is made.
  now += 13_999;
  expect(assertions.get(ana, 'query')).toBe(first);
  now += 1;
  const second = assertions.get(ana, 'query');
  expect(second).toBeInstanceOf(Promise);
  expect(await second).not.toBe(first);
});

it('counts its life from before it was asked for', async () => {
  signer.held = [];
  const first = assertions.get(ana, 'query');
  now += 5_000;
  signer.held[0]?.();
  await first;
  now += 8_999;
  expect(assertions.get(ana, 'query')).toBe(await first);
  now += 1;
  expect(assertions.get(ana, 'query')).toBeInstanceOf(Promise);
});

it('is signed once for all who ask for the same at the same time', async () => {
  signer.held = [];
  const all = Array.from({ length: 100 }, () => assertions.get(ana, 'query'));
  signer.held[0]?.();
  expect(new Set(await Promise.all(all)).size).toBe(1);
  expect(signer.asked).toHaveLength(1);
});

it('is never that of another: user, session, company, role, e-mail or service', async () => {
  const others: [UserIdentity, string][] = [
    [ana, 'query'],
    [ana, 'ingest'],
    [as({ user_id: randomUUID() }), 'query'],
    [as({ session_id: randomUUID() }), 'query'],
    [as({ company_id: randomUUID() }), 'query'],
    [as({ company_id: null }), 'query'],
    [as({ role: 'member' }), 'query'],
    [as({ role: null }), 'query'],
    [as({ email: 'other@example.com' }), 'query'],
    [as({ email: `issuer ${ana.actor.email}` }), 'query'],
    [as({ email: `issuer ${ana.actor.email}`, role: null }), 'query'],
  ];
  // In any order of being signed, and again when they are kept.
  signer.held = [];
  const signing = others.map(([identity, audience]) => assertions.get(identity, audience));
  for (const release of signer.held.reverse()) release();
  const made = await Promise.all(signing);
  expect(new Set(made).size).toBe(others.length);
  for (const [at, [identity, audience]] of others.entries()) {
    expect(assertions.get(identity, audience)).toBe(made[at]);
    const { user_id, email, company_id, role } = identity.actor;
    const dto = { audience, user_id, email, company_id, roles: role === null ? [] : [role] };
    expect(made[at]).toBe(`${at + 1} ${JSON.stringify(dto)}`);
  }
});

it('reaches whom it is about, whatever else is signed and changed at the same time', async () => {
  const people = Array.from({ length: 20 }, () => as({ user_id: randomUUID(), session_id: randomUUID() }));
  const request = async (at: number): Promise<void> => {
    const who = people[at % people.length] ?? ana;
    const audience = at % 3 === 0 ? 'ingest' : 'query';
    for (let round = 0; round < 10; round += 1) {
      if (Math.random() < 0.01) source.listener?.event('keys.rotated', {});
      now += Math.random() * 20;
      const assertion = await assertions.get(who, audience);
      expect(JSON.parse(assertion.slice(assertion.indexOf(' ')))).toMatchObject({
        audience,
        user_id: who.actor.user_id,
      });
      await sleep(Math.random() * 5);
    }
  };
  await Promise.all(Array.from({ length: 300 }, (_, at) => request(at)));
  // Ten times 300 requests; without sharing and keeping each would be signed.
  expect(signer.asked.length).toBeLessThan(2_000);
});

describe('when keys have changed', () => {
  it.each(['event', 'lost'] as const)('none is used that was signed before (%s)', async (how) => {
    const before = await assertions.get(ana, 'query');
    source.listener?.[how]('keys.rotated', {});
    const after = assertions.get(ana, 'query');
    expect(after).toBeInstanceOf(Promise);
    expect(await after).not.toBe(before);
  });

  it('none is kept that was being signed, and who comes after asks anew', async () => {
    signer.held = [];
    const before = assertions.get(ana, 'query');
    source.listener?.event('keys.rotated', {});
    const after = assertions.get(ana, 'query');
    expect(signer.asked).toHaveLength(2);
    // The later one first.
    for (const release of signer.held.reverse()) {
      release();
      await turn();
    }
    expect(await before).not.toBe(await after);
    expect(assertions.get(ana, 'query')).toBe(await after);
  });

  it('and that would not be heard of, none is used again', async () => {
    const before = await assertions.get(ana, 'query');
    source.fresh = false;
    expect(await assertions.get(ana, 'query')).not.toBe(before);
    expect(await assertions.get(ana, 'query')).not.toBe(before);
    expect(signer.asked).toHaveLength(3);
  });
});

it('that cannot be signed is a reason to come again, for all who waited, and is asked for anew', async () => {
  signer.failing = new Error('away');
  const refusals = await Promise.allSettled([1, 2, 3].map(() => assertions.get(ana, 'query')));
  for (const refusal of refusals) {
    const { reason } = refusal as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(DomainError);
    expect(reason).toMatchObject({ code: 'auth_unavailable', cause: signer.failing });
  }
  expect(signer.asked).toHaveLength(1);
  signer.failing = undefined;
  expect(await assertions.get(ana, 'query')).toMatch(/^2 /);
});

it('are kept for ten thousand at most', async () => {
  const others = Array.from({ length: 10_001 }, () => as({ session_id: randomUUID() }));
  await Promise.all(others.map((one) => assertions.get(one, 'query')));
  expect(others.filter((one) => typeof assertions.get(one, 'query') === 'string')).toHaveLength(10_000);
});

describe('a service that wants proof', () => {
  let upstream: TestUpstream;
  let gateway: TestGateway;

  beforeAll(async () => {
    jest.restoreAllMocks();
    upstream = await TestUpstream.start();
    const plain = proxied(upstream.url, { name: 'plain', prefix: '/api/v1/plain' });
    gateway = await startTestGateway({}, [proxied(upstream.url, { assertion: true }), plain]);
  });

  beforeEach(() => {
    jest.restoreAllMocks();
    // Nobody publishes invalidations here.
    const invalidations: InvalidationSubscriber = gateway.app.get(invalidationsOfService('token-service'));
    jest.spyOn(invalidations, 'fresh', 'get').mockReturnValue(true);
    upstream.received.length = 0;
    gateway.asked.length = 0;
    gateway.fakes.set('assertions.issue', (dto) => ({ token: `of ${String(dto['email'])}`, expires_in: 30 }));
  });

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  const ask = (path: string, sid: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(gateway.url + path, { headers: { authorization: `Bearer ${gateway.accessToken({ sid })}`, ...headers } });
  const proofs = (): unknown[] => upstream.received.map(({ headers }) => headers['x-puerta-assertion']);

  it('gets it with each request, signed once for all that come at the same time', async () => {
    const sids = [randomUUID(), randomUUID(), randomUUID()];
    await Promise.all(Array.from({ length: 60 }, (_, at) => ask('/api/v1/query/x', sids[at % 3] ?? '')));
    expect(proofs()).toEqual(Array(60).fill(`of ${ACTOR.email}`));
    const roles = ['owner'];
    const { user_id, email, company_id } = ACTOR;
    for (const { pattern, data } of gateway.asked)
      expect([pattern, data]).toEqual(['assertions.issue', { audience: 'query', user_id, email, company_id, roles }]);
    // Three, and again whenever the stream is found silent.
    expect(gateway.asked.length).toBeLessThan(45);
  });

  it('is asked for in the name of the request that needs it', async () => {
    const seen: unknown[] = [];
    gateway.fakes.set('assertions.issue', () => {
      seen.push(callContext.getStore()?.requestId);
      return { token: 'proof', expires_in: 30 };
    });
    await ask('/api/v1/query/x', randomUUID(), { 'x-request-id': 'my-request' });
    expect(seen).toEqual(['my-request']);
  });

  it('gets none that a client made up, on any route', async () => {
    const made = { 'X-Puerta-Assertion': 'mine', X_Puerta_Assertion: 'mine', 'x-puerta-assertion.': 'mine' };
    for (const path of ['/api/v1/query/x', '/api/v1/plain/x']) await ask(path, randomUUID(), made);
    expect(JSON.stringify(upstream.received)).not.toContain('mine');
    expect(proofs()).toEqual([`of ${ACTOR.email}`, undefined]);
  });

  it('is not asked while none can be signed', async () => {
    gateway.fakes.delete('assertions.issue');
    const answer = await ask('/api/v1/query/x', randomUUID());
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'auth_unavailable' }]);
    expect(upstream.received).toEqual([]);
    expect((await ask('/api/v1/plain/x', randomUUID())).status).toBe(200);
  });

  it('gets none of who they were before', async () => {
    const sid = randomUUID();
    await ask('/api/v1/query/x', sid);
    gateway.facts = { ...gateway.facts, role: 'member' };
    gateway.app.get(Authenticator).forget(ACTOR.user_id);
    await ask('/api/v1/query/x', sid);
    expect(gateway.asked.map(({ data }) => data['roles'])).toEqual([['owner'], ['member']]);
    gateway.facts = { ...gateway.facts, role: null };
    gateway.app.get(Authenticator).forget(ACTOR.user_id);
    expect((await ask('/api/v1/query/x', sid)).status).toBe(403);
    expect(proofs()).toHaveLength(2);
  });
});
