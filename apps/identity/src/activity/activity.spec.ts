import type { ActivityKind, Actor, RecordActivityDto } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { expectCode, times } from '../../test/expect-code';
import { actorOf, TestIdentity } from '../../test/identity';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

const mine = async (actor: Actor) => (await identity.ask('activity.list-mine', { limit: 100 }, { actor })).items;
const kindsOf = async (actor: Actor): Promise<ActivityKind[]> => (await mine(actor)).map(({ kind }) => kind).reverse();
const ofCompany = (actor: Actor, company_id: string, page = {}) =>
  identity.ask('activity.list', { company_id, limit: 100, ...page }, { actor });
const record = (activity: RecordActivityDto, caller = 'card-issuer') =>
  identity.askAnything('activity.record', activity, { caller });

const issued = (company_id: string | null, actor_user_id: string): RecordActivityDto => ({
  id: randomUUID(),
  kind: 'card.issued',
  at: '2026-01-02T03:04:05.678Z',
  actor_user_id,
  company_id,
  subject_id: randomUUID(),
});

describe('one’s own activity', () => {
  it('tells of sessions, of the company one made and of whom one invited', async () => {
    const { company, owner, session } = await identity.found();
    const { invitation_id } = await identity.invite(company, owner, 'door');
    await identity.ask('invitations.revoke', { company_id: company.company_id, invitation_id }, { actor: owner });
    await identity.ask('sessions.end', { refresh_token: session.refresh_token });
    expect(await kindsOf(owner)).toEqual([
      'session.begun',
      'company.created',
      'invitation.created',
      'invitation.revoked',
      'session.ended',
    ]);
    const [ended, revoked] = await mine(owner);
    expect(ended).toMatchObject({ actor_user_id: owner.user_id, company_id: null, subject_id: owner.session_id });
    expect(revoked).toMatchObject({ company_id: company.company_id, subject_id: invitation_id });
  });

  it('tells of a company that was joined, and of a role that was raised', async () => {
    const { company, owner } = await identity.found({ join_policy: 'open' });
    const actor = actorOf(await identity.register());
    await identity.ask('companies.ensure', { company_id: company.company_id }, { actor });
    const { invitation } = await identity.invite(company, owner, 'issuer');
    await identity.ask('companies.ensure', { invitation }, { actor });
    expect(await kindsOf(actor)).toEqual([
      'session.begun',
      'member.joined',
      'invitation.accepted',
      'member.role_changed',
    ]);
  });

  it('tells once of a session that was ended ten times at once, and of one that a thief used', async () => {
    const session = await identity.register();
    const actor = actorOf(session);
    const next = await identity.ask('sessions.refresh', { refresh_token: session.refresh_token });
    await identity.ask('sessions.refresh', { refresh_token: next.refresh_token });
    const thefts = times(5, () => identity.ask('sessions.refresh', { refresh_token: session.refresh_token }));
    await Promise.allSettled(thefts);
    const other = actorOf(await identity.register());
    await Promise.all(times(10, () => identity.ask('sessions.end', {}, { actor: other })));
    expect(await kindsOf(actor)).toEqual(['session.begun', 'session.reuse_detected']);
    expect(await kindsOf(other)).toEqual(['session.begun', 'session.ended']);
  });

  it('tells of nothing that was refused', async () => {
    const actor = actorOf(await identity.register());
    await expectCode(identity.ask('companies.ensure', { invitation: 'A'.repeat(43) }, { actor }), 'invitation_invalid');
    expect(await kindsOf(actor)).toEqual(['session.begun']);
  });
});

describe('what another service did', () => {
  it('is recorded once, however often it is delivered', async () => {
    const { company, owner } = await identity.found();
    const activity = issued(company.company_id, owner.user_id);
    await Promise.all(times(10, () => record(activity)));
    const { items } = await ofCompany(owner, company.company_id);
    const { id: activity_id, ...rest } = activity;
    expect(items.filter(({ kind }) => kind === 'card.issued')).toEqual([{ activity_id, ...rest }]);
  });

  it('is taken from the card-issuer alone', async () => {
    await expectCode(record(issued(null, randomUUID()), 'gateway'), 'internal');
  });

  it('may concern no company', async () => {
    const actor = actorOf(await identity.register());
    await record(issued(null, actor.user_id));
    expect(await kindsOf(actor)).toContain('card.issued');
  });
});

describe('the activity of a company', () => {
  it('is told to its administrators, page by page, the newest first', async () => {
    const { company, owner } = await identity.found();
    await identity.member(company, owner, 'door');
    const all = await ofCompany(owner, company.company_id, { count: true });
    expect(all.items.map(({ kind }) => kind)).toEqual([
      'member.joined',
      'invitation.accepted',
      'invitation.created',
      'company.created',
    ]);
    expect(all.total).toBe(4);
    const first = await ofCompany(owner, company.company_id, { limit: 3 });
    const second = await ofCompany(owner, company.company_id, { limit: 3, cursor: first.next_cursor });
    expect([...first.items, ...second.items]).toEqual(all.items);
    expect(second.next_cursor).toBeNull();
  });

  it('is nobody else’s: another company’s is not there, and members may not see their own', async () => {
    const { company, owner } = await identity.found();
    const { company: other } = await identity.found();
    const issuer = await identity.member(company, owner, 'issuer');
    await expectCode(ofCompany(owner, other.company_id), 'company_not_found');
    await expectCode(ofCompany(issuer, company.company_id), 'role_required');
  });

  it('holds nothing of a person but ids', async () => {
    const { company, owner } = await identity.found();
    await identity.member(company, owner, 'door');
    const rows = await identity.database.query<object[]>('SELECT to_jsonb(activity) AS row FROM activity');
    const text = JSON.stringify(rows);
    expect(text).not.toMatch(/@|Ana|Pérez/);
  });
});
