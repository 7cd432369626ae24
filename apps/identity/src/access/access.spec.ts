import { randomUUID } from 'node:crypto';
import { actorOf, TestIdentity } from '../../test/identity';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

it('knows an active user with a session, without a company', async () => {
  const { user_id, session_id, email } = actorOf(await identity.register());
  const facts = { user: 'active', session: 'active', email, role: null, ends_in_ms: expect.any(Number) as number };
  expect(await identity.ask('access.check', { user_id, session_id })).toEqual(facts);
  expect(await identity.ask('access.check', { user_id, session_id, company_id: null })).toEqual(facts);
});

it('tells when the session ends, for as long as it goes on', async () => {
  const { user_id, session_id } = actorOf(await identity.register());
  const check = () => identity.ask('access.check', { user_id, session_id });
  await identity.database.query(`UPDATE sessions SET expires_at = now() + interval '90 seconds' WHERE id = $1`, [
    session_id,
  ]);
  const { ends_in_ms } = await check();
  expect(ends_in_ms).toBeGreaterThan(80_000);
  expect(ends_in_ms).toBeLessThanOrEqual(90_000);
  await identity.ask(
    'sessions.end',
    {},
    { actor: { user_id, session_id, email: 'a@example.com', company_id: null, role: null } },
  );
  expect(await check()).not.toHaveProperty('ends_in_ms');
});

it('tells the role in the company asked about, and in no other', async () => {
  const { company, owner } = await identity.found();
  const { company: other } = await identity.found();
  const { user_id, session_id } = await identity.member(company, owner, 'issuer');
  const role = async (company_id: string) =>
    (await identity.ask('access.check', { user_id, session_id, company_id })).role;
  expect(await role(company.company_id)).toBe('issuer');
  expect(await role(other.company_id)).toBeNull();
  expect(await role(randomUUID())).toBeNull();
});

it('tells of a change at once', async () => {
  const { company, owner } = await identity.found();
  const { user_id, session_id } = await identity.member(company, owner, 'issuer');
  const check = () => identity.ask('access.check', { user_id, session_id, company_id: company.company_id });
  await identity.database.query(`UPDATE memberships SET role = 'door' WHERE user_id = $1`, [user_id]);
  expect(await check()).toMatchObject({ role: 'door' });
  await identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [user_id]);
  expect(await check()).toMatchObject({ role: null, session: 'active' });
  await identity.database.query(`UPDATE users SET status = 'inactive' WHERE id = $1`, [user_id]);
  expect(await check()).toMatchObject({ user: 'inactive' });
});

it("calls a session revoked that has ended, expired, never was or is another user's", async () => {
  const ended = actorOf(await identity.register());
  await identity.ask('sessions.end', {}, { actor: ended });
  const expired = actorOf(await identity.register());
  await identity.database.query(
    `UPDATE sessions SET created_at = now() - interval '31 days', expires_at = now() - interval '1 day' WHERE id = $1`,
    [expired.session_id],
  );
  const other = actorOf(await identity.register());
  const missing = { ...actorOf(await identity.register()), session_id: randomUUID() };
  const stolen = { ...actorOf(await identity.register()), session_id: other.session_id };
  for (const { user_id, session_id } of [ended, expired, missing, stolen]) {
    expect(await identity.ask('access.check', { user_id, session_id })).toMatchObject({
      user: 'active',
      session: 'revoked',
    });
  }
});

it('knows nothing of a user who is not there', async () => {
  const { session_id } = actorOf(await identity.register());
  const facts = await identity.ask('access.check', { user_id: randomUUID(), session_id });
  expect(facts).toEqual({ user: 'unknown', session: 'revoked', email: null, role: null });
});
