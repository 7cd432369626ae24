import { type LoginAnswer, type Role, ROLES } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { expectCode, tally, times } from '../../test/expect-code';
import { actorOf, newEmail, PASSWORD, TestIdentity } from '../../test/identity';
import type { Call } from '@puerta/service';
import { InvitationsService } from './invitations.service';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

describe('create', () => {
  it('shows the secret, and keeps its hash alone', async () => {
    const { company, owner } = await identity.found();
    const created = await identity.invite(company, owner, 'issuer');
    expect(created).toEqual({
      invitation_id: expect.any(String),
      email: 'guest@example.com',
      role: 'issuer',
      any_email: true,
      status: 'pending',
      expires_at: expect.any(String),
      created_at: expect.any(String),
      invitation: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
    });
    const rows = await identity.database.query(
      'SELECT t::text AS row FROM (SELECT * FROM invitations) t UNION ALL SELECT i::text FROM inbox i',
    );
    const text = rows.map(({ row }: { row: string }) => row).join('\n');
    expect(text).not.toContain(created.invitation);
    expect(text).not.toContain(Buffer.from(created.invitation, 'base64url').toString('hex'));
  });

  it('lasts seven days, or as long as it is told', async () => {
    const { company, owner } = await identity.found();
    const life = ({ expires_at, created_at }: { expires_at: string; created_at: string }): number =>
      (Date.parse(expires_at) - Date.parse(created_at)) / 1000;
    expect(life(await identity.invite(company, owner, 'door'))).toBe(7 * 24 * 3600);
    expect(life(await identity.invite(company, owner, 'door', { expires_in: 90 }))).toBe(90);
  });

  it('answers the same secret when it is asked again with the same key', async () => {
    const { company, owner } = await identity.found();
    const data = { company_id: company.company_id, email: 'guest@example.com', role: 'door' as const };
    const options = { actor: owner, idempotencyKey: randomUUID() };
    const answers = await Promise.all(times(5, () => identity.ask('invitations.create', data, options)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await identity.invite(company, owner, 'door')).invitation).not.toBe(answers[0]?.invitation);
  });

  it("grants no role above the inviter's own, and never ownership", async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    const admin = await identity.member(company, owner, 'admin');
    const email = 'guest@example.com';
    for (const actor of [owner, admin]) {
      await expectCode(
        identity.ask('invitations.create', { company_id, email, role: 'owner' }, { actor }),
        'validation_failed',
      );
      for (const role of ROLES.filter((one) => one !== 'owner')) {
        await identity.ask('invitations.create', { company_id, email, role }, { actor });
      }
    }
  });

  it('would not grant ownership if the request let it through', async () => {
    const { company, owner } = await identity.found();
    const admin = await identity.member(company, owner, 'admin');
    const service = new InvitationsService(identity.database, undefined as never, undefined as never);
    const data = { company_id: company.company_id, email: 'guest@example.com', role: 'owner' } as const;
    await expectCode(service.create(data, { actor: admin } as Call), 'role_required');
  });

  it('keeps ownership out of invitations in the database too', async () => {
    const { company } = await identity.found();
    const insert = identity.database.query(
      `INSERT INTO invitations (id, company_id, email, role, secret_hash, expires_at)
       VALUES (gen_random_uuid(), $1, 'a@example.com', 'owner', sha256('x'), now() + interval '1 day')`,
      [company.company_id],
    );
    await expect(insert).rejects.toMatchObject({ constraint: 'invitations_role_check' });
  });
});

describe('list', () => {
  it("shows the company's invitations, the newest first, without secrets", async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    const pending = await identity.invite(company, owner, 'door');
    const accepted = await identity.invite(company, owner, 'door');
    await identity.register({ invitation: accepted.invitation });
    const revoked = await identity.invite(company, owner, 'door');
    await identity.ask('invitations.revoke', { company_id, invitation_id: revoked.invitation_id }, { actor: owner });
    const expired = await identity.invite(company, owner, 'door');
    await identity.database.query(
      `UPDATE invitations SET created_at = now() - interval '8 days', expires_at = now() - interval '1 day'
        WHERE id = $1`,
      [expired.invitation_id],
    );
    const { items, total } = await identity.ask('invitations.list', { company_id, count: true }, { actor: owner });
    expect(items.map(({ invitation_id, status }) => [invitation_id, status])).toEqual([
      [expired.invitation_id, 'expired'],
      [revoked.invitation_id, 'revoked'],
      [accepted.invitation_id, 'accepted'],
      [pending.invitation_id, 'pending'],
    ]);
    expect(total).toBe(4);
    expect(Object.keys(items[0] ?? {})).not.toContain('invitation');
  });

  it('goes on where the page before ended', async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    const made = [];
    for (let i = 0; i < 5; i++) made.push((await identity.invite(company, owner, 'door')).invitation_id);
    const first = await identity.ask('invitations.list', { company_id, limit: 3 }, { actor: owner });
    const second = await identity.ask(
      'invitations.list',
      { company_id, limit: 3, cursor: first.next_cursor ?? '' },
      { actor: owner },
    );
    expect([...first.items, ...second.items].map(({ invitation_id }) => invitation_id)).toEqual(made.reverse());
    expect(second.next_cursor).toBeNull();
  });
});

describe('an invitation that names an e-mail', () => {
  const invite = async (email: string, role: 'door' | 'admin' = 'door') => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, role, { email, any_email: null });
    const status = async () => {
      const { items } = await identity.ask('invitations.list', { company_id: company.company_id }, { actor: owner });
      return items[0]?.status;
    };
    return { company, invitation, status };
  };
  const accept = (session: LoginAnswer, invitation: string) =>
    identity.ask('companies.ensure', { invitation }, { actor: actorOf(session) });

  it('is good for the account with that e-mail, however that is written', async () => {
    for (const [invited, own] of [
      ['ana-1@münchen.de', 'ANA-1@xn--mnchen-3ya.de'],
      ['oﬃce-2@example.com', 'office-2@example.com'],
    ] as const) {
      const { company, invitation, status } = await invite(invited);
      expect(await accept(await identity.register({ email: own }), invitation)).toMatchObject({
        company_id: company.company_id,
        roles: ['door'],
      });
      expect(await status()).toBe('accepted');
    }
  });

  it('is not taken by another account, and stays good', async () => {
    const email = newEmail();
    const { company, invitation, status } = await invite(email, 'admin');
    const thief = await identity.register();
    await expectCode(accept(thief, invitation), 'invitation_for_another');
    await expectCode(identity.register({ email: `x${email}`, invitation }), 'invitation_for_another');
    await expectCode(identity.ask('users.login', { email: `x${email}`, password: PASSWORD }), 'invalid_credentials');
    expect(await status()).toBe('pending');
    const [{ n }] = await identity.database.query('SELECT count(*)::int AS n FROM memberships WHERE user_id = $1', [
      thief.user_id,
    ]);
    expect(n).toBe(0);
    expect(await identity.register({ email, invitation })).toMatchObject({
      company_id: company.company_id,
      roles: ['admin'],
    });
    // Once it is used, it says no more than any other that is.
    await expectCode(accept(thief, invitation), 'invitation_invalid');
  });

  it('goes to its own account of many that present it at once', async () => {
    const others = await Promise.all(times(7, () => identity.register()));
    for (let round = 0; round < 5; round++) {
      const email = newEmail();
      const { invitation } = await invite(email);
      const own = await identity.register({ email });
      const rivals = [...others, ...others].map((one) => accept(one, invitation));
      const outcome = await tally([...rivals, accept(own, invitation)]);
      expect(outcome['ok']).toBe(1);
      expect((outcome['invitation_for_another'] ?? 0) + (outcome['invitation_invalid'] ?? 0)).toBe(14);
      expect((await accept(own, invitation)).roles).toEqual(['door']);
    }
  });

  it('stays good when only others present it, however many at once', async () => {
    const email = newEmail();
    const { invitation, status } = await invite(email);
    const others = await Promise.all(times(8, () => identity.register()));
    expect(await tally(others.map((one) => accept(one, invitation)))).toEqual({ invitation_for_another: 8 });
    expect(await status()).toBe('pending');
    await identity.register({ email, invitation });
  });
});

describe('revoke', () => {
  it('makes the invitation worthless, and may be repeated', async () => {
    const { company, owner } = await identity.found();
    const { invitation_id, invitation } = await identity.invite(company, owner, 'door');
    const data = { company_id: company.company_id, invitation_id };
    for (let i = 0; i < 2; i++)
      expect(await identity.ask('invitations.revoke', data, { actor: owner })).toEqual({ done: true });
    await expectCode(identity.register({ invitation }), 'invitation_invalid');
  });

  it('says so when it comes too late', async () => {
    const { company, owner } = await identity.found();
    const { invitation_id, invitation } = await identity.invite(company, owner, 'door');
    await identity.register({ invitation });
    await expectCode(
      identity.ask('invitations.revoke', { company_id: company.company_id, invitation_id }, { actor: owner }),
      'invitation_invalid',
    );
  });

  it('either comes first or too late when somebody accepts at the same time', async () => {
    const { company, owner } = await identity.found();
    for (let round = 0; round < 5; round++) {
      const { invitation_id, invitation } = await identity.invite(company, owner, 'door');
      const guest = actorOf(await identity.register());
      const outcomes = await tally([
        identity.ask('companies.ensure', { invitation }, { actor: guest }),
        identity.ask('invitations.revoke', { company_id: company.company_id, invitation_id }, { actor: owner }),
      ]);
      expect(outcomes).toEqual({ ok: 1, invitation_invalid: 1 });
    }
  });

  it('knows no invitation of another company', async () => {
    const { company, owner } = await identity.found();
    const other = await identity.found();
    const { invitation_id, invitation } = await identity.invite(other.company, other.owner, 'door');
    for (const id of [invitation_id, randomUUID()]) {
      const data = { company_id: company.company_id, invitation_id: id };
      await expectCode(identity.ask('invitations.revoke', data, { actor: owner }), 'invitation_not_found');
    }
    await identity.register({ invitation });
  });
});

it('is for administrators of the company they act in', async () => {
  const { company, owner } = await identity.found();
  const { company_id } = company;
  const { invitation_id } = await identity.invite(company, owner, 'door');
  const { owner: stranger } = await identity.found();
  const attempts = (role: Role | null, actor = { ...owner, role }): Promise<unknown>[] => [
    identity.ask('invitations.create', { company_id, email: 'guest@example.com', role: 'member' }, { actor }),
    identity.ask('invitations.list', { company_id }, { actor }),
    identity.ask('invitations.revoke', { company_id, invitation_id }, { actor }),
  ];
  for (const role of ['member', 'door', 'issuer', null] as const)
    expect(await tally(attempts(role))).toEqual({ role_required: 3 });
  expect(await tally(attempts('owner', stranger))).toEqual({ company_not_found: 3 });
});
