import { type Actor, type EnsureCompanyDto, type LoginAnswer, ROLES } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { expectCode, tally, times } from '../../test/expect-code';
import { actorOf, PASSWORD, TestIdentity } from '../../test/identity';
import { claimsOf } from '../../test/token-service';
import { DefaultCompanyCheck } from './default-company';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

const ensure = (actor: Actor, data: EnsureCompanyDto = {}, idempotencyKey?: string) =>
  identity.ask('companies.ensure', data, { actor, ...(idempotencyKey ? { idempotencyKey } : {}) });

const membershipsOf = (actor: Actor) =>
  identity.database.query('SELECT company_id, role, status FROM memberships WHERE user_id = $1 ORDER BY company_id', [
    actor.user_id,
  ]);

const suspend = (actor: Actor) =>
  identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [actor.user_id]);

const newcomer = async (): Promise<Actor> => actorOf(await identity.register());

describe('a company that is named', () => {
  it('is chosen by a member, whose new token carries it', async () => {
    const actor = await newcomer();
    const { company_id } = await identity.ask('companies.create', { name: 'Una' }, { actor });
    const answer = await ensure(actor, { company_id });
    expect(answer).toEqual({
      user_id: actor.user_id,
      company_id,
      roles: ['owner'],
      message: expect.any(String),
      new_access_token: expect.any(String),
      expires_in: 900,
    });
    expect(claimsOf(answer.new_access_token)).toMatchObject({
      sub: actor.user_id,
      sid: actor.session_id,
      company_id,
      roles: ['owner'],
    });
  });

  it('is joined by anybody where it is open, as a member', async () => {
    const { company } = await identity.found({ join_policy: 'open' });
    const actor = await newcomer();
    expect((await ensure(actor, { company_id: company.company_id })).roles).toEqual(['member']);
    expect(await membershipsOf(actor)).toEqual([{ company_id: company.company_id, role: 'member', status: 'active' }]);
  });

  it('is never joined merely because it is named', async () => {
    const { company } = await identity.found();
    const actor = await newcomer();
    await expectCode(ensure(actor, { company_id: company.company_id }), 'company_not_joinable');
    expect(await membershipsOf(actor)).toEqual([]);
    await expectCode(ensure(actor), 'company_unresolved');
  });

  it('must exist', async () => {
    await expectCode(ensure(await newcomer(), { company_id: randomUUID() }), 'company_not_found');
  });

  it('is closed to whoever is suspended there, even where it is open to others', async () => {
    for (const join_policy of ['invitation', 'open'] as const) {
      const { company, owner } = await identity.found({ join_policy });
      const member = await identity.member(company, owner, 'issuer');
      await suspend(member);
      await expectCode(ensure(member, { company_id: company.company_id }), 'company_not_joinable');
      expect(await membershipsOf(member)).toMatchObject([{ role: 'issuer', status: 'suspended' }]);
    }
  });

  it('keeps the role of a member where it is open', async () => {
    const { company, owner } = await identity.found({ join_policy: 'open' });
    expect((await ensure(owner, { company_id: company.company_id })).roles).toEqual(['owner']);
  });

  it('is joined once by parallel calls', async () => {
    const { company } = await identity.found({ join_policy: 'open' });
    const actor = await newcomer();
    expect(await tally(times(15, () => ensure(actor, { company_id: company.company_id })))).toEqual({ ok: 15 });
    expect(await membershipsOf(actor)).toHaveLength(1);
  });

  it('does not take another company along: each session has its own', async () => {
    const { company, session } = await identity.found();
    const actor = actorOf(session);
    const { company_id: second } = await identity.ask('companies.create', { name: 'Otra' }, { actor });
    const other = await identity.ask('users.login', { email: session.email, password: PASSWORD });
    await ensure(actorOf(other), { company_id: second });
    expect((await identity.ask('sessions.refresh', { refresh_token: session.refresh_token })).company_id).toBe(
      company.company_id,
    );
    expect((await identity.ask('sessions.refresh', { refresh_token: other.refresh_token })).company_id).toBe(second);
  });
});

describe('a session that has ended', () => {
  it('chooses nothing, and joins nothing', async () => {
    const { company } = await identity.found({ join_policy: 'open' });
    const actor = await newcomer();
    await identity.ask('sessions.end', {}, { actor });
    await expectCode(ensure(actor, { company_id: company.company_id }), 'session_revoked');
    expect(await membershipsOf(actor)).toEqual([]);
  });

  it('chooses nothing for a user who is not active any more, or not there', async () => {
    const { company, owner } = await identity.found();
    await identity.database.query(`UPDATE users SET status = 'inactive' WHERE id = $1`, [owner.user_id]);
    await expectCode(ensure(owner, { company_id: company.company_id }), 'session_revoked');
    await expectCode(ensure({ ...owner, user_id: randomUUID() }), 'user_not_found');
  });

  it("is not another user's to choose for", async () => {
    const { company, owner } = await identity.found();
    const stranger = await newcomer();
    const answer = ensure({ ...owner, session_id: stranger.session_id }, { company_id: company.company_id });
    await expectCode(answer, 'session_revoked');
    await expectCode(ensure(stranger), 'company_unresolved');
  });
});

it('gives each session a token of its own under one Idempotency-Key', async () => {
  const first = await identity.register();
  const { company_id } = await identity.ask('companies.create', { name: 'Una' }, { actor: actorOf(first) });
  const second = await identity.ask('users.login', { email: first.email, password: PASSWORD });
  for (const session of [first, second, first]) {
    const { new_access_token } = await ensure(actorOf(session, null), { company_id }, 'a-key-of-both');
    expect(claimsOf(new_access_token).sid).toBe(actorOf(session).session_id);
  }
});

describe('an invitation', () => {
  it('names its company and gives its role', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'issuer');
    const answer = await ensure(await newcomer(), { invitation });
    expect(answer).toMatchObject({ company_id: company.company_id, roles: ['issuer'] });
  });

  it('is no key to another company', async () => {
    const { company, owner } = await identity.found();
    const { company: other } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'issuer');
    const actor = await newcomer();
    await expectCode(ensure(actor, { invitation, company_id: other.company_id }), 'invitation_invalid');
    expect(await membershipsOf(actor)).toEqual([]);
    await ensure(actor, { invitation, company_id: company.company_id });
  });

  it('is good for one user, however many present it at once', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'door');
    const actors = await Promise.all(times(8, newcomer));
    expect(await tally(actors.map((actor) => ensure(actor, { invitation })))).toEqual({ ok: 1, invitation_invalid: 7 });
  });

  it('is no error when the one who accepted it presents it again, also at the same time', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'door');
    const actor = await newcomer();
    expect(await tally(times(6, () => ensure(actor, { invitation })))).toEqual({ ok: 6 });
    expect(await membershipsOf(actor)).toMatchObject([{ role: 'door' }]);
  });

  it('gives nothing more the second time', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'admin');
    const actor = await newcomer();
    await ensure(actor, { invitation });
    await identity.database.query(`UPDATE memberships SET role = 'member' WHERE user_id = $1`, [actor.user_id]);
    expect((await ensure(actor, { invitation })).roles).toEqual(['member']);
    await suspend(actor);
    await expectCode(ensure(actor, { invitation }), 'invitation_invalid');
    await identity.database.query('DELETE FROM memberships WHERE user_id = $1', [actor.user_id]);
    await expectCode(ensure(actor, { invitation }), 'invitation_invalid');
  });

  it.each(ROLES.filter((role) => role !== 'owner'))(
    'raises the role of a member, and never lowers it: %s',
    async (invited) => {
      const { company, owner } = await identity.found();
      const member = await identity.member(company, owner, 'issuer');
      const { invitation } = await identity.invite(company, owner, invited);
      const higher = ROLES.indexOf(invited) > ROLES.indexOf('issuer') ? invited : 'issuer';
      expect((await ensure(member, { invitation })).roles).toEqual([higher]);
    },
  );

  it('does not bring a suspended member back, and stays unused', async () => {
    const { company, owner } = await identity.found();
    const member = await identity.member(company, owner, 'door');
    await suspend(member);
    const { invitation } = await identity.invite(company, owner, 'door');
    await expectCode(ensure(member, { invitation }), 'company_not_joinable');
    await ensure(await newcomer(), { invitation });
  });

  it('is refused once it has expired, was revoked, or when it never was', async () => {
    const { company, owner } = await identity.found();
    const expired = await identity.invite(company, owner, 'door');
    await identity.database.query(
      `UPDATE invitations SET created_at = now() - interval '8 days', expires_at = now() - interval '1 day'
        WHERE id = $1`,
      [expired.invitation_id],
    );
    const revoked = await identity.invite(company, owner, 'door');
    const { invitation_id } = revoked;
    await identity.ask('invitations.revoke', { company_id: company.company_id, invitation_id }, { actor: owner });
    const actor = await newcomer();
    for (const invitation of [expired.invitation, revoked.invitation, 'A'.repeat(43)]) {
      await expectCode(ensure(actor, { invitation }), 'invitation_invalid');
    }
    await expectCode(
      ensure(owner, { invitation: revoked.invitation, company_id: company.company_id }),
      'invitation_invalid',
    );
  });
});

describe('nothing named', () => {
  it('stays in the current company', async () => {
    const { company, owner } = await identity.found();
    expect(await ensure(owner)).toMatchObject({ company_id: company.company_id, roles: ['owner'] });
  });

  it('goes to the company chosen last, where the session has none', async () => {
    const { company, session } = await identity.found();
    const other = actorOf(await identity.ask('users.login', { email: session.email, password: PASSWORD }));
    await identity.database.query('UPDATE sessions SET company_id = NULL WHERE id = $1', [other.session_id]);
    expect((await ensure(other)).company_id).toBe(company.company_id);
  });

  it('is not enough without a current company or a default', async () => {
    await expectCode(ensure(await newcomer()), 'company_unresolved');
    const { company, owner } = await identity.found();
    const member = await identity.member(company, owner, 'door');
    await suspend(member);
    await expectCode(ensure(member), 'company_unresolved');
  });
});

describe('the default company', () => {
  let byDefault: string;
  let owner: LoginAnswer;
  let defaulting: TestIdentity;

  beforeAll(async () => {
    defaulting = await TestIdentity.start();
    owner = await defaulting.register();
    byDefault = (await defaulting.ask('companies.create', { name: 'Por defecto' }, { actor: actorOf(owner) }))
      .company_id;
    await defaulting.restart({ GATEWAY_DEFAULT_COMPANY_ID: byDefault });
  });
  afterAll(() => defaulting.close());

  it('is joined as a member by whoever has none and names none', async () => {
    const session = await defaulting.register();
    const answers = await Promise.all(
      times(6, () => defaulting.ask('companies.ensure', {}, { actor: actorOf(session) })),
    );
    for (const answer of answers) expect(answer).toMatchObject({ company_id: byDefault, roles: ['member'] });
  });

  it('leaves the role of its members as it is', async () => {
    expect(await defaulting.ask('companies.ensure', {}, { actor: actorOf(owner) })).toMatchObject({
      company_id: byDefault,
      roles: ['owner'],
    });
  });

  it('does not draw anybody away from the company they are in', async () => {
    const { company, owner: other } = await defaulting.found();
    expect((await defaulting.ask('companies.ensure', {}, { actor: other })).company_id).toBe(company.company_id);
  });

  it('must exist, or the service does not start', async () => {
    const check = (id: string | undefined) =>
      new DefaultCompanyCheck(defaulting.database, {
        ...defaulting.config,
        GATEWAY_DEFAULT_COMPANY_ID: id,
      }).onModuleInit();
    await check(byDefault);
    await check(undefined);
    await expect(check(randomUUID())).rejects.toThrow('GATEWAY_DEFAULT_COMPANY_ID names a company that does not exist');
  });

  it('is closed to whoever is suspended there', async () => {
    const actor = actorOf(await defaulting.register());
    await defaulting.ask('companies.ensure', {}, { actor });
    await defaulting.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [actor.user_id]);
    await expectCode(defaulting.ask('companies.ensure', {}, { actor }), 'company_not_joinable');
  });
});
