import { type Actor, identityContract } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { expectCode } from '../test/expect-code';
import { actorOf, type Patterns, TestIdentity } from '../test/identity';

let identity: TestIdentity;
let actor: Actor;
beforeAll(async () => {
  identity = await TestIdentity.start();
  actor = actorOf(await identity.register());
});
afterAll(() => identity.close());

const patterns = Object.keys(identityContract.patterns) as Patterns[];

const callerOf = (pattern: Patterns): string => identityContract.patterns[pattern].callers[0] ?? '';

/** Nobody could mean any of these, whatever they ask. */
const JUNK: [string, unknown][] = [
  ['an array', []],
  ['text', 'users.me'],
  ['a number', 7],
  ['null', null],
  ['an unknown field', { surprise: true }],
  ['a prototype', JSON.parse('{"__proto__":{"admin":true}}')],
  ['a constructor', { constructor: { prototype: { admin: true } } }],
  ['deep nesting', JSON.parse(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`)],
];

describe.each(patterns)('%s', (pattern) => {
  it.each(JUNK)('refuses %s', async (_name, data) => {
    await expectCode(identity.askAnything(pattern, data, { actor, caller: callerOf(pattern) }), 'validation_failed');
  });
});

/** Values of wrong types and forms, for each field in turn. */
const WRONG: unknown[] = [0, true, {}, [], ['a'], 'a\u0000b', '\u202eabc', '\ud800', 'x'.repeat(10_000), { $gt: '' }];

const GOOD: Partial<Record<Patterns, Record<string, unknown>>> = {
  'users.register': {
    name: 'Ana',
    email: 'junk@example.com',
    password: 'correct horse',
    invitation: 'A'.repeat(43),
    locale: 'es',
  },
  'users.login': { email: 'junk@example.com', password: 'correct horse' },
  'users.update-me': { name: 'Ana', locale: 'es' },
  'sessions.refresh': { refresh_token: 'A'.repeat(43) },
  'sessions.end': { refresh_token: 'A'.repeat(43) },
  'devices.check': { email: 'junk@example.com', device_token: 'A'.repeat(64) },
  'access.check': { user_id: randomUUID(), session_id: randomUUID(), company_id: randomUUID() },
  'companies.create': { name: 'Una', join_policy: 'open', time_zone: 'UTC', locale: 'es' },
  'companies.list-mine': { cursor: 'AAAA' },
  'companies.get': { company_id: randomUUID() },
  'companies.update': { company_id: randomUUID(), name: 'Una', join_policy: 'open', time_zone: 'UTC', locale: 'es' },
  'companies.label': { company_id: randomUUID() },
  'companies.ensure': { company_id: randomUUID(), invitation: 'A'.repeat(43) },
  'invitations.create': { company_id: randomUUID(), email: 'a@example.com', role: 'door', expires_in: 60 },
  'invitations.list': { company_id: randomUUID() },
  'invitations.revoke': { company_id: randomUUID(), invitation_id: randomUUID() },
  'memberships.check': { user_id: randomUUID(), company_id: randomUUID() },
  'activity.record': {
    id: randomUUID(),
    kind: 'card.issued',
    at: '2026-01-01T00:00:00Z',
    actor_user_id: randomUUID(),
    company_id: randomUUID(),
    subject_id: randomUUID(),
  },
  'activity.list-mine': { cursor: 'AAAA' },
  'activity.list': { company_id: randomUUID() },
};

it.each(Object.entries(GOOD) as [Patterns, object][])(
  '%s refuses a wrong value in any field',
  async (pattern, good) => {
    const attempts = Object.keys(good).flatMap((field) => WRONG.map((wrong) => ({ ...good, [field]: wrong })));
    for (const data of attempts)
      await expectCode(identity.askAnything(pattern, data, { actor, caller: callerOf(pattern) }), 'validation_failed');
  },
);

const FOR_ANYBODY: Patterns[] = [
  'users.register',
  'users.login',
  'sessions.refresh',
  'devices.check',
  'access.check',
  'companies.label',
  'memberships.check',
  'activity.record',
];

it.each(patterns.filter((pattern) => !FOR_ANYBODY.includes(pattern)))('%s needs an actor', async (pattern) => {
  const data =
    pattern === 'sessions.end' ? {} : { ...GOOD[pattern], ...(pattern.endsWith('list-mine') ? { cursor: null } : {}) };
  await expectCode(identity.askAnything(pattern, data, { caller: callerOf(pattern) }), 'unauthenticated');
});

it("tells a company's name to card-issuer, and to nobody else", async () => {
  const { company, owner } = await identity.found({ name: 'Universidad Demo' });
  const { company_id } = company;
  const label = (id: string, caller: string) =>
    identity.askAnything('companies.label', { company_id: id }, { caller, actor: owner });
  expect(await label(company_id, 'card-issuer')).toEqual({ company_id, name: 'Universidad Demo' });
  await expectCode(label(randomUUID(), 'card-issuer'), 'company_not_found');
  await expectCode(label(company_id, 'gateway'), 'internal');
});

it('tells card-issuer, and nobody else, who is an active member', async () => {
  const { company, owner } = await identity.found();
  const member = await identity.member(company, owner, 'member');
  const [id, other] = [company.company_id, (await identity.found()).company.company_id];
  const check = (user_id: string, company_id = id, caller = 'card-issuer') =>
    identity.askAnything('memberships.check', { user_id, company_id }, { caller });
  expect(await check(owner.user_id)).toEqual({ active: true });
  expect(await check(member.user_id)).toEqual({ active: true });
  for (const [user, where] of [
    [owner.user_id, other],
    [owner.user_id, randomUUID()],
    [randomUUID(), id],
  ] as const) {
    expect(await check(user, where)).toEqual({ active: false });
  }
  await expectCode(check(owner.user_id, id, 'gateway'), 'internal');

  const set = (table: string, column: string, status: string) =>
    identity.database.query(`UPDATE ${table} SET status = $2 WHERE ${column} = $1`, [member.user_id, status]);
  for (const [table, column, away] of [
    ['memberships', 'user_id', 'suspended'],
    ['users', 'id', 'inactive'],
  ] as const) {
    await set(table, column, away);
    expect(await check(member.user_id)).toEqual({ active: false });
    await set(table, column, 'active');
    expect(await check(member.user_id)).toEqual({ active: true });
  }
  await identity.database.query('DELETE FROM memberships WHERE user_id = $1', [member.user_id]);
  expect(await check(member.user_id)).toEqual({ active: false });
});

it('believes nobody but the gateway about the actor', async () => {
  const { owner } = await identity.found();
  await expectCode(identity.askAnything('users.me', {}, { caller: 'card-issuer', actor: owner }), 'internal');
});
