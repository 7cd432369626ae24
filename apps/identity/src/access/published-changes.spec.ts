import type { Actor, AccessFacts, Company } from '@puerta/contracts';
import { waitFor } from '@puerta/testing';
import { randomUUID } from 'node:crypto';
import { actorOf, TestIdentity } from '../../test/identity';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

/** A member of a company whose facts somebody keeps. */
async function member(): Promise<{ actor: Actor; company: Company; owner: Actor }> {
  const { company, owner } = await identity.found();
  return { actor: await identity.member(company, owner, 'issuer'), company, owner };
}

const factsOf = async ({ user_id, session_id, company_id }: Actor): Promise<AccessFacts> => {
  const { ends_in_ms, ...facts } = await identity.ask('access.check', { user_id, session_id, company_id });
  // It grows less by itself; that it was moved is what counts.
  return { ...facts, ...(ends_in_ms === undefined ? {} : { ends_in_ms: Math.round(ends_in_ms / 60_000) }) };
};

/** What is published during `work`: until something is published that comes after it. */
async function publishedDuring(work: () => Promise<unknown>): Promise<typeof identity.published> {
  const mark = async (): Promise<number> => {
    const user_id = randomUUID();
    await identity.database.query(`INSERT INTO outbox (type, data) VALUES ('user.changed', $1)`, [{ user_id }]);
    return waitFor(() => identity.published.findIndex(({ data }) => data['user_id'] === user_id) + 1);
  };
  const from = await mark();
  await work();
  return identity.published.slice(from, (await mark()) - 1);
}

const publishedOf = (published: typeof identity.published, { user_id }: Actor): boolean =>
  published.some(({ data }) => data['user_id'] === user_id || data['user_id'] === undefined);

/** Values to put in place of the ones that are there, by type. */
const OTHER: Record<string, (column: string) => string> = {
  text: (column) =>
    ({
      email: `'other-' || id || '@example.com'`,
      status: `CASE status WHEN 'active' THEN '${'%'}' ELSE 'active' END`,
      password_hash: `'$argon2id$other'`,
      locale: `'es'`,
    })[column] ?? `'other'`,
  timestamptz: (column) => (column === 'expires_at' ? `now() + interval '1 hour'` : 'now()'),
  uuid: () => 'gen_random_uuid()',
  bytea: () => `sha256(gen_random_uuid()::text::bytea)`,
  company_role: () => `'door'`,
};

const KEYS: Record<string, string> = { users: 'id = $1', sessions: 'user_id = $1', memberships: 'user_id = $1' };

describe.each(Object.keys(KEYS))('a change of %s', (table) => {
  it('is published if it changes what access.check answers, column by column', async () => {
    const columns = await identity.database.query<{ name: string; type: string }[]>(
      `SELECT column_name AS name, udt_name AS type FROM information_schema.columns
        WHERE table_schema = 'identity' AND table_name = $1`,
      [table],
    );
    const changing: string[] = [];
    for (const { name, type } of columns) {
      // A reference needs a row that is there; ids are never changed, and the test of deletions covers what it would mean.
      if (type === 'uuid') continue;
      const { actor } = await member();
      const value = OTHER[type]?.(name).replace('%', table === 'users' ? 'inactive' : 'suspended') ?? '';
      const before = await factsOf(actor);
      const published = await publishedDuring(() =>
        identity.database.query(`UPDATE ${table} SET ${name} = ${value} WHERE ${KEYS[table]}`, [actor.user_id]),
      );
      const changed = JSON.stringify(await factsOf(actor)) !== JSON.stringify(before);
      if (changed) changing.push(name);
      expect([name, publishedOf(published, actor)]).toEqual([name, changed]);
    }
    expect(changing.sort()).toEqual(
      { users: ['email', 'status'], sessions: ['expires_at', 'revoked_at'], memberships: ['role', 'status'] }[table],
    );
  });

  it('is published when rows are deleted', async () => {
    const { actor } = await member();
    const published = await publishedDuring(() =>
      identity.database.query(`DELETE FROM ${table} WHERE ${KEYS[table]}`, [actor.user_id]),
    );
    expect(publishedOf(published, actor)).toBe(true);
  });

  it('is published to all when it is emptied', async () => {
    const published = await publishedDuring(() => identity.database.query(`TRUNCATE ${table} CASCADE`));
    expect(published).toContainEqual({ type: 'user.changed', data: {} });
  });
});

describe('what a service does', () => {
  it.each<[string, (who: { actor: Actor; company: Company; owner: Actor }) => Promise<unknown>]>([
    ['logging out', ({ actor }) => identity.ask('sessions.end', {}, { actor })],
    [
      'deleting the company',
      ({ company }) => identity.database.query('DELETE FROM companies WHERE id = $1', [company.company_id]),
    ],
  ])('%s is published', async (_, work) => {
    const who = await member();
    expect(publishedOf(await publishedDuring(() => work(who)), who.actor)).toBe(true);
  });

  it('logging out by a refresh token is published', async () => {
    const session = await identity.register();
    const published = await publishedDuring(() =>
      identity.ask('sessions.end', { refresh_token: session.refresh_token }),
    );
    const { user_id, session_id } = actorOf(session);
    expect(published).toEqual([{ type: 'session.revoked', data: { user_id, session_id } }]);
  });

  it('the end of a session whose refresh token was used again is published', async () => {
    const session = await identity.register();
    const next = await identity.ask('sessions.refresh', { refresh_token: session.refresh_token });
    await identity.ask('sessions.refresh', { refresh_token: next.refresh_token });
    const published = await publishedDuring(() =>
      identity.ask('sessions.refresh', { refresh_token: session.refresh_token }).catch(() => undefined),
    );
    expect(publishedOf(published, actorOf(session))).toBe(true);
  });

  it('joining a company is published: that somebody was no member may be kept as well', async () => {
    const { company, owner } = await identity.found({ join_policy: 'open' });
    const { invitation } = await identity.invite(company, owner, 'issuer');
    const [walkIn, guest] = [actorOf(await identity.register()), actorOf(await identity.register())];
    for (const [actor, choice] of [
      [walkIn, { company_id: company.company_id }],
      [guest, { invitation }],
    ] as const) {
      const published = await publishedDuring(() => identity.ask('companies.ensure', choice, { actor }));
      const data = { user_id: actor.user_id, company_id: company.company_id };
      expect(published).toEqual([{ type: 'member.changed', data }]);
    }
  });

  it('a refresh, a profile and a choice of company change nothing that is kept, and are not published', async () => {
    const { session, company, owner } = await identity.found();
    const published = await publishedDuring(async () => {
      await identity.ask('sessions.refresh', { refresh_token: session.refresh_token });
      await identity.ask('users.update-me', { name: 'Eva', locale: 'es' }, { actor: owner });
      await identity.ask('companies.ensure', { company_id: company.company_id }, { actor: owner });
      await identity.ask('companies.update', { company_id: company.company_id, name: 'Otra' }, { actor: owner });
    });
    expect(published).toEqual([]);
  });

  it('forgetting sessions that have ended is not published', async () => {
    const { actor } = await member();
    await identity.ask('sessions.end', {}, { actor });
    const published = await publishedDuring(() =>
      identity.database.query('DELETE FROM sessions WHERE id = $1', [actor.session_id]),
    );
    expect(published).toEqual([]);
  });

  it('is published with ids alone', async () => {
    const { actor, company } = await member();
    const published = await publishedDuring(() =>
      identity.database.query(`UPDATE memberships SET role = 'door' WHERE user_id = $1`, [actor.user_id]),
    );
    const data = { user_id: actor.user_id, company_id: company.company_id };
    expect(published).toEqual([{ type: 'member.changed', data }]);
  });
});
