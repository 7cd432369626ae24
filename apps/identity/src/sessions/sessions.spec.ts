import type { LoginAnswer } from '@puerta/contracts';
import { randomBytes } from 'node:crypto';
import { expectCode, times } from '../../test/expect-code';
import { actorOf, PASSWORD, TestIdentity } from '../../test/identity';
import { claimsOf } from '../../test/token-service';
import { pruneSessions } from './prune-sessions';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

const refresh = ({ refresh_token }: Pick<LoginAnswer, 'refresh_token'>) =>
  identity.ask('sessions.refresh', { refresh_token });
const sessionOf = (answer: LoginAnswer): string => claimsOf(answer.access_token).sid;

/** The clock of PostgreSQL cannot be turned, but what happened can be moved back. */
const moveBack = (answer: LoginAnswer, column: 'rotated_at' | 'expires_at' | 'revoked_at', seconds: number) =>
  identity.database.query(
    `UPDATE sessions SET created_at = created_at - interval '1 year', ${column} = now() - make_interval(secs => $2)
      WHERE id = $1`,
    [sessionOf(answer), seconds],
  );

describe('refresh', () => {
  it('gives the next token of the same session', async () => {
    const first = await identity.register();
    const second = await refresh(first);
    expect(second).toEqual({ ...first, access_token: expect.any(String), refresh_token: expect.any(String) });
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(sessionOf(second)).toBe(sessionOf(first));
    const third = await refresh(second);
    expect(new Set([first, second, third].map((answer) => answer.refresh_token)).size).toBe(3);
  });

  it('answers twenty parallel uses of one token with one next token, and rotates once', async () => {
    const first = await identity.register();
    const answers = await Promise.all(times(20, () => refresh(first)));
    expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1);
    const [{ n }] = await identity.database.query(
      'SELECT count(*)::int AS n FROM spent_refresh_tokens WHERE session_id = $1',
      [sessionOf(first)],
    );
    expect(n).toBe(1);
    await refresh(answers[7] ?? first);
  });

  it('answers the last token again for ten seconds, since the first answer may have been lost', async () => {
    const first = await identity.register();
    const { refresh_token } = await refresh(first);
    await moveBack(first, 'rotated_at', 9);
    expect((await refresh(first)).refresh_token).toBe(refresh_token);
    expect((await refresh({ refresh_token })).user_id).toBe(first.user_id);
  });

  it('ends the session when the last token comes again later', async () => {
    const first = await identity.register();
    const second = await refresh(first);
    await moveBack(first, 'rotated_at', 11);
    await expectCode(refresh(first), 'refresh_token_reused');
    await expectCode(refresh(second), 'refresh_token_invalid');
  });

  it('ends the session when an older token comes again, however soon', async () => {
    const first = await identity.register();
    const second = await refresh(first);
    const third = await refresh(second);
    await expectCode(refresh(first), 'refresh_token_reused');
    await expectCode(refresh(third), 'refresh_token_invalid');
    await expectCode(refresh(first), 'refresh_token_invalid');
    const { user_id, session_id } = actorOf(third);
    expect(await identity.ask('access.check', { user_id, session_id })).toMatchObject({ session: 'revoked' });
  });

  it('leaves the other sessions of the user alone', async () => {
    const first = await identity.register();
    const other = await identity.ask('users.login', { email: first.email, password: 'correct horse battery' });
    await refresh(await refresh(first));
    await expectCode(refresh(first), 'refresh_token_reused');
    await refresh(other);
  });

  it('refuses tokens that were never issued', async () => {
    const { refresh_token } = await identity.register();
    for (const token of [
      randomBytes(32).toString('base64url'),
      `${refresh_token.slice(0, -1)}_`,
      refresh_token.toLowerCase(),
    ]) {
      await expectCode(refresh({ refresh_token: token }), 'refresh_token_invalid');
    }
    await refresh({ refresh_token });
  });

  it('ends at thirty days, however often it was refreshed', async () => {
    const first = await identity.register();
    const [before] = await identity.database.query('SELECT * FROM sessions WHERE id = $1', [sessionOf(first)]);
    expect((before.expires_at - before.created_at) / 86_400_000).toBeCloseTo(30, 3);
    const second = await refresh(first);
    const [after] = await identity.database.query('SELECT * FROM sessions WHERE id = $1', [sessionOf(first)]);
    expect(after.expires_at).toEqual(before.expires_at);
    await moveBack(first, 'expires_at', 1);
    await expectCode(refresh(second), 'refresh_token_invalid');
    await expectCode(refresh(first), 'refresh_token_invalid');
  });

  it('refuses an inactive user', async () => {
    const first = await identity.register();
    await identity.database.query(`UPDATE users SET status = 'inactive' WHERE id = $1`, [first.user_id]);
    await expectCode(refresh(first), 'refresh_token_invalid');
  });

  it('changes nothing when it refuses', async () => {
    const ends: Record<string, (answer: LoginAnswer) => Promise<unknown>> = {
      revoked: (answer) => identity.ask('sessions.end', {}, { actor: actorOf(answer) }),
      expired: (answer) => moveBack(answer, 'expires_at', 1),
      inactive: ({ user_id }) =>
        identity.database.query(`UPDATE users SET status = 'inactive' WHERE id = $1`, [user_id]),
    };
    for (const end of Object.values(ends)) {
      const session = await identity.register();
      await end(session);
      const state = () => identity.database.query('SELECT * FROM sessions WHERE id = $1', [sessionOf(session)]);
      const before = await state();
      await expectCode(refresh(session), 'refresh_token_invalid');
      expect(await state()).toEqual(before);
    }
  });

  it('states the membership as it is now', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'issuer');
    const member = await identity.register({ invitation });
    await identity.database.query(`UPDATE memberships SET role = 'door' WHERE user_id = $1`, [member.user_id]);
    const demoted = await refresh(member);
    expect(demoted).toMatchObject({ company_id: company.company_id, roles: ['door'] });
    await identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [member.user_id]);
    const suspended = await refresh(demoted);
    expect(suspended).toMatchObject({ company_id: null, roles: [] });
    await identity.database.query(`UPDATE memberships SET status = 'active' WHERE user_id = $1`, [member.user_id]);
    expect(await refresh(suspended)).toMatchObject({ company_id: company.company_id, roles: ['door'] });
  });
});

it('gives a device what it is known by when it logs in again', async () => {
  const first = await identity.register();
  const { email, device_token } = first;
  expect((await refresh(first)).device_token).toBe(device_token);
  const check = (more: object) => identity.ask('devices.check', { email, device_token, ...more });
  await identity.ask('sessions.end', {}, { actor: actorOf(first) });
  expect(await check({})).toEqual({ known: true });
  expect(await check({ email: (await identity.register()).email })).toEqual({ known: false });
});

describe('end', () => {
  const isActive = async (answer: LoginAnswer): Promise<boolean> => {
    const { user_id, session_id } = actorOf(answer);
    return (await identity.ask('access.check', { user_id, session_id })).session === 'active';
  };

  it('ends the session of the access token', async () => {
    const session = await identity.register();
    expect(await identity.ask('sessions.end', {}, { actor: actorOf(session) })).toEqual({ done: true });
    expect(await isActive(session)).toBe(false);
    await expectCode(refresh(session), 'refresh_token_invalid');
  });

  it('ends the session of the refresh token', async () => {
    const session = await identity.register();
    await identity.ask('sessions.end', { refresh_token: session.refresh_token });
    expect(await isActive(session)).toBe(false);
  });

  it('ends it by a token that was exchanged since', async () => {
    const first = await identity.register();
    const second = await refresh(first);
    await identity.ask('sessions.end', { refresh_token: first.refresh_token });
    await expectCode(refresh(second), 'refresh_token_invalid');
  });

  it('answers the same when it has ended before, and for a token that never was', async () => {
    const session = await identity.register();
    const { refresh_token } = session;
    for (const data of [{ refresh_token }, { refresh_token }, { refresh_token: 'A'.repeat(43) }]) {
      expect(await identity.ask('sessions.end', data)).toEqual({ done: true });
    }
    expect(await identity.ask('sessions.end', {}, { actor: actorOf(session) })).toEqual({ done: true });
  });

  it('refuses tokens of two sessions, and ends neither', async () => {
    const mine = await identity.register();
    const again = await identity.ask('users.login', { email: mine.email, password: PASSWORD });
    const others = await identity.register();
    const spent = others.refresh_token;
    const current = await refresh(others);
    for (const refresh_token of [again.refresh_token, spent, current.refresh_token]) {
      await expectCode(identity.ask('sessions.end', { refresh_token }, { actor: actorOf(mine) }), 'session_mismatch');
    }
    for (const session of [mine, again, others]) expect(await isActive(session)).toBe(true);
    await identity.ask('sessions.end', { refresh_token: 'A'.repeat(43) }, { actor: actorOf(mine) });
    expect(await isActive(mine)).toBe(false);
  });

  it('leaves other sessions alone', async () => {
    const session = await identity.register();
    const other = await identity.register();
    await identity.ask('sessions.end', { refresh_token: session.refresh_token }, { actor: actorOf(session) });
    expect(await isActive(other)).toBe(true);
  });

  it('needs one of both', async () => {
    await expectCode(identity.ask('sessions.end', {}), 'unauthenticated');
    await expectCode(identity.ask('sessions.end', { refresh_token: null }), 'unauthenticated');
  });
});

it('forgets sessions a day after they ended, and no others', async () => {
  const [live, expired, revoked, justExpired] = await Promise.all(times(4, () => identity.register()));
  if (!live || !expired || !revoked || !justExpired) throw new Error('four sessions');
  for (const session of [live, expired, revoked, justExpired]) await refresh(session);
  await moveBack(expired, 'expires_at', 25 * 3600);
  await moveBack(revoked, 'revoked_at', 25 * 3600);
  await moveBack(justExpired, 'expires_at', 23 * 3600);
  expect(await pruneSessions(identity.database)).toBe(false);
  const rows = await identity.database.query(
    'SELECT s.id, t.session_id FROM sessions s LEFT JOIN spent_refresh_tokens t ON t.session_id = s.id WHERE s.id = ANY($1)',
    [[live, expired, revoked, justExpired].map(sessionOf)],
  );
  expect(rows.map(({ session_id }: { session_id: string }) => session_id).sort()).toEqual(
    [live, justExpired].map(sessionOf).sort(),
  );
});

it('keeps of refresh tokens their hashes alone', async () => {
  const tokens: string[] = [];
  let answer = await identity.register();
  for (let i = 0; i < 3; i++) {
    tokens.push(answer.refresh_token);
    answer = await refresh(answer);
  }
  const dump: string[] = [];
  for (const table of ['sessions', 'spent_refresh_tokens', 'users', 'inbox']) {
    const rows = await identity.database.query(`SELECT t::text AS row FROM ${table} t`);
    dump.push(...rows.map(({ row }: { row: string }) => row));
  }
  const text = dump.join('\n');
  for (const token of [...tokens, answer.refresh_token]) {
    expect(text).not.toContain(token);
    expect(text).not.toContain(Buffer.from(token, 'base64url').toString('hex'));
  }
});
