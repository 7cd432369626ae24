import type { RawRequest, UserIdentity } from '@puerta/auth';
import { DomainError, type Role } from '@puerta/contracts/core';
import { type Changes, type EndReason, LiveConnections, type LiveKind } from './live-connections';

const STRICT = { guard: 'strict', leastRole: 'member' } as const;

function identity(user: string, role: Role | null = 'admin', expiresAt = 4_000_000_000): UserIdentity {
  const company = role === null ? null : 'c1';
  const actor = { user_id: user, session_id: 's1', email: 'ana@example.com', company_id: company, role };
  return { kind: 'user', actor, tokenCompanyId: 'c1', expiresAt };
}

/** Live connections over an identity service that a test plays, by fake clocks. */
function setUp() {
  const asked: string[] = [];
  type Listener = Parameters<Changes['keys']['listen']>[0];
  const listeners: Listener[] = [];
  const keyListeners: Listener[] = [];
  const state = {
    fresh: true,
    asked,
    /** What is said of a user, who is known to be let in otherwise. */
    answer: ((who) => who) as (who: UserIdentity) => UserIdentity | Promise<UserIdentity>,
    ended: [] as [string, EndReason][],
    tell: (user_id?: string) => listeners.forEach(({ event }) => event('user.changed', user_id ? { user_id } : {})),
    rotate: () => keyListeners.forEach(({ event }) => event('keys.rotated', {})),
    verified: (async () => identity('u1')) as () => Promise<UserIdentity>,
    lose: () => listeners.forEach(({ lost }) => lost()),
  };
  const authenticator = {
    authenticate: async ({ rawHeaders }: RawRequest) => {
      asked.push(rawHeaders.join());
      return state.verified();
    },
    recheck: (who: UserIdentity) => {
      asked.push(who.actor.user_id);
      return state.answer(who);
    },
    acceptedUntil: ({ expiresAt }: UserIdentity) => expiresAt + 5,
  };
  const changes = {
    get fresh() {
      return state.fresh;
    },
    listen: (listener: Listener) => void listeners.push(listener),
  };
  const keys = { listen: (listener: Listener) => void keyListeners.push(listener) };
  const live = new LiveConnections(authenticator, { facts: changes, keys });
  const add = (who: UserIdentity | undefined, kind: LiveKind = 'websocket') =>
    live.add({
      kind,
      identity: who ?? { kind: 'anonymous' },
      requirement: STRICT,
      credential: { rawHeaders: ['Authorization', 'Bearer x'] },
      end: (reason) => void state.ended.push([who?.actor.user_id ?? 'anybody', reason]),
    });
  return Object.assign(state, { live, add });
}

const away = () => Promise.reject(new DomainError('auth_unavailable'));
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => jest.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => jest.useRealTimers());

describe('a live connection', () => {
  it('is asked about when it begins, and not again as long as nothing changes', async () => {
    const { add, asked, ended } = setUp();
    add(identity('u1'));
    await pass(600_000);
    expect([asked, ended]).toEqual([['u1'], []]);
  });

  it('ends at once if access was taken before it began', () => {
    const all = setUp();
    all.answer = () => {
      throw new DomainError('session_revoked');
    };
    all.add(identity('u1'));
    expect([all.ended, all.live.counts.websocket]).toEqual([[['u1', 'session_revoked']], 0]);
  });

  it('ends when its user changes so that they would be refused, and no other does', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.add(identity('u2'));
    all.answer = async (who) => {
      if (who.actor.user_id === 'u1') throw new DomainError('not_a_member');
      return who;
    };
    all.tell('u1');
    await pass(10);
    expect([all.asked, all.ended]).toEqual([['u1', 'u2', 'u1'], [['u1', 'not_a_member']]]);
    all.tell();
    await pass(10);
    expect(all.asked.slice(3)).toEqual(['u2']);
  });

  it('ends when what the service was told is more than is true', async () => {
    const all = setUp();
    for (const [user, role] of [
      ['u1', 'owner'],
      ['u2', 'admin'],
      ['u3', 'issuer'],
      ['u4', null],
    ] as const)
      all.add(identity(user, role));
    all.answer = ({ actor: { user_id: user } }) => identity(user, user === 'u2' ? null : 'issuer');
    all.lose();
    await pass(10);
    expect(all.ended).toEqual([
      ['u1', 'role_required'],
      ['u2', 'not_a_member'],
    ]);
  });

  it('ends when requests with its token are refused because it has expired', async () => {
    const { add, ended } = setUp();
    add(identity('u1', 'admin', 1_800_000_010));
    await pass(14_900);
    expect(ended).toEqual([]);
    await pass(400);
    expect(ended).toEqual([['u1', 'access_token_expired']]);
  });

  it('ends when the key is gone that has signed its token, and only then', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.rotate();
    await pass(10);
    expect([all.asked, all.ended]).toEqual([['u1', 'Authorization,Bearer x'], []]);
    all.verified = away;
    all.rotate();
    await pass(1_000);
    all.verified = () => Promise.reject(new DomainError('access_token_invalid'));
    await pass(1_500);
    expect(all.ended).toEqual([['u1', 'access_token_invalid']]);
  });

  it('stays for five seconds while nobody can say whether it may, and is asked about again', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.answer = away;
    all.tell('u1');
    await pass(4_500);
    expect([all.asked.length, all.ended]).toEqual([4, []]);
    await pass(1_000);
    expect(all.ended).toEqual([['u1', 'auth_unavailable']]);
  });

  it('stays if somebody can say so in time', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.answer = away;
    all.tell('u1');
    await pass(1_000);
    all.answer = async (who) => who;
    await pass(60_000);
    expect([all.asked.length, all.ended]).toEqual([3, []]);
  });

  it('is asked about again and again while nobody tells of changes', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.fresh = false;
    await pass(1_000);
    expect(all.asked).toHaveLength(1);
    await pass(19_000);
    expect(all.asked.length).toBeGreaterThan(5);
    expect(all.ended).toEqual([]);
    all.answer = away;
    await pass(7_500);
    expect(all.ended).toEqual([['u1', 'auth_unavailable']]);
  });

  it('is not ended by a short silence', async () => {
    const all = setUp();
    all.add(identity('u1'));
    all.answer = away;
    all.fresh = false;
    await pass(1_700);
    all.fresh = true;
    await pass(60_000);
    expect([all.asked.length, all.ended]).toEqual([1, []]);
  });

  it('is not believed by an answer to a question from before a change', async () => {
    const all = setUp();
    all.add(identity('u1'));
    let say: (who: UserIdentity) => void = () => undefined;
    all.answer = () => new Promise((resolve) => (say = resolve));
    all.tell('u1');
    await pass(10);
    const early = say;
    all.tell('u1');
    await pass(10);
    expect(all.asked).toHaveLength(2);
    all.answer = () => Promise.reject(new DomainError('session_revoked'));
    early(identity('u1'));
    await pass(10);
    expect(all.ended).toEqual([['u1', 'session_revoked']]);
  });

  it("is nobody's any more once it was removed", async () => {
    const all = setUp();
    const remove = all.add(identity('u1', 'admin', 1_800_000_010));
    remove();
    remove();
    all.answer = () => Promise.reject(new DomainError('session_revoked'));
    all.tell('u1');
    await pass(60_000);
    expect([all.asked.length, all.ended, all.live.counts.websocket]).toEqual([1, [], 0]);
  });
});

describe('all live connections', () => {
  it('are counted by their kinds', () => {
    const { add, live } = setUp();
    add(identity('u1'));
    add(identity('u1'), 'stream');
    add(undefined, 'events')();
    add(undefined, 'events');
    expect(live.counts).toEqual({ websocket: 1, events: 1, stream: 1 });
  });

  it('cost no timer when there are none, or none that anybody could take access from', () => {
    const { add } = setUp();
    add(undefined);
    expect(jest.getTimerCount()).toBe(0);
    const [one, two] = [add(identity('u1')), add(identity('u2'))];
    expect(jest.getTimerCount()).toBe(1);
    one();
    two();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('that have no end are ended at shutdown, also those that begin then', () => {
    const { add, live, ended } = setUp();
    add(identity('u1'));
    add(identity('u2'), 'stream');
    add(undefined, 'events');
    live.close();
    add(identity('u3'));
    expect(ended).toEqual([
      ['u1', 'shutdown'],
      ['anybody', 'shutdown'],
      ['u3', 'shutdown'],
    ]);
    expect(live.counts).toEqual({ websocket: 0, events: 0, stream: 1 });
  });

  it('are asked about fifty at a time, and cost little while nothing changes', async () => {
    const all = setUp();
    for (let n = 0; n < 10_000; n += 1) all.add(identity(`u${n}`));
    all.asked.length = 0;
    let [now, most] = [0, 0];
    all.answer = async (who) => {
      most = Math.max(most, (now += 1));
      await new Promise((resolve) => setTimeout(resolve, 10));
      now -= 1;
      return who;
    };
    all.lose();
    await pass(3_000);
    expect([all.asked.length, most, all.ended]).toEqual([10_000, 50, []]);
    const before = process.cpuUsage();
    await pass(60_000);
    const { user, system } = process.cpuUsage(before);
    // A minute of looking costs less than a hundredth of it.
    expect((user + system) / 1_000).toBeLessThan(600);
    expect(all.asked).toHaveLength(10_000);
  });
});
