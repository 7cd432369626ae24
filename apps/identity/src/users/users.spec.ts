import * as argon2 from '@node-rs/argon2';
import type { LoginAnswer } from '@puerta/contracts';
import { randomUUID } from 'node:crypto';
import { expectCode, tally, times } from '../../test/expect-code';
import { actorOf, PASSWORD, TestIdentity } from '../../test/identity';
import { claimsOf } from '../../test/token-service';

jest.mock('@node-rs/argon2', () => {
  const real = jest.requireActual<typeof argon2>('@node-rs/argon2');
  return { ...real, verify: jest.fn(real.verify) };
});

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

const count = async (what: string, parameters: unknown[] = []): Promise<number> => {
  const [row] = await identity.database.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM ${what}`, parameters);
  return row?.n ?? NaN;
};

describe('register', () => {
  it('makes a user with a session and no company', async () => {
    const answer = await identity.ask('users.register', { name: 'Ana', email: 'ana@example.com', password: PASSWORD });
    expect(answer).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
      refresh_token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      device_token: expect.stringMatching(/^[A-Za-z0-9_-]{64}$/),
      user_id: expect.any(String),
      email: 'ana@example.com',
      name: 'Ana',
      company_id: null,
      roles: [],
    });
    expect(claimsOf(answer.access_token)).toMatchObject({
      sub: answer.user_id,
      email: 'ana@example.com',
      company_id: null,
      roles: [],
    });
  });

  it('keeps of the password an argon2id hash alone', async () => {
    const { user_id } = await identity.register();
    const [user] = await identity.database.query('SELECT password_hash FROM users WHERE id = $1', [user_id]);
    expect(user.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it.each([
    ['common_password', 'Manchester'],
    ['common_password', 'Soso123Aljg'],
    ['repetitive', 'aaaaaaaaaaaa'],
    ['repetitive', ' '.repeat(12)],
    ['sequential', '123456789012'],
    ['contains_context', 'puerta2026'],
    ['contains_context', 'anaperez2026'],
    ['contains_context', 'easy-to-guess@example.com'],
  ])('refuses a password that is tried first, and says why: %s (%s)', async (code, password) => {
    const email = 'easy-to-guess@example.com';
    await expect(identity.register({ email, password })).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [{ field: 'password', code }] },
    });
    expect(await count('users WHERE email = $1', [email])).toBe(0);
  });

  it('refuses the name of the company that invites as a password, and leaves the invitation good', async () => {
    const { company, owner } = await identity.found({ name: 'Politécnica Ñandú' });
    const { invitation } = await identity.invite(company, owner, 'door');
    await expect(identity.register({ invitation, password: 'politecnica1' })).rejects.toMatchObject({
      extra: { errors: [{ field: 'password', code: 'contains_context' }] },
    });
    await identity.register({ password: 'politecnica1' });
    await identity.register({ invitation });
  });

  it('refuses an e-mail that is taken, in any case', async () => {
    const { email } = await identity.register();
    await expectCode(identity.register({ email }), 'email_taken');
    await expectCode(identity.register({ email: email.toUpperCase() }), 'email_taken');
  });

  it.each([
    ['ana@münchen-1.de', 'ana@xn--mnchen-1-65a.de', 'ANA@MÜNCHEN-1.de'],
    ['office-1@example.com', 'oﬃce-1@example.com', 'ＯＦＦＩＣＥ-1@example.com'],
    ['straße-1@example.com', 'strasse-1@example.com'],
  ])('knows one mailbox however it is written (%s)', async (email, ...spellings) => {
    const first = await identity.register({ email });
    expect(first.email).toBe(email);
    for (const other of spellings) {
      await expectCode(identity.register({ email: other }), 'email_taken');
      const login = await identity.ask('users.login', { email: other, password: PASSWORD });
      expect(login).toMatchObject({ user_id: first.user_id, email });
    }
    const again = await tally(times(12, (n) => identity.register({ email: `${n % 2 ? 'ﬁ' : 'fi'}-${email}` })));
    expect(again).toEqual({ ok: 1, email_taken: 11 });
  });

  it('shows a domain as people read it, in the token too', async () => {
    const answer = await identity.register({ email: 'eva@xn--mnchen-3ya.de' });
    expect(answer.email).toBe('eva@münchen.de');
    expect(claimsOf(answer.access_token).email).toBe('eva@münchen.de');
  });

  it('gives an e-mail to one of many who ask for it at once', async () => {
    const email = 'race@example.com';
    expect(await tally(times(12, () => identity.register({ email })))).toEqual({ ok: 1, email_taken: 11 });
    expect(await count('users WHERE email = $1', [email])).toBe(1);
  });

  it('keeps e-mails unique in the database too, whoever writes there', async () => {
    const { user_id, email } = await identity.register();
    const copy = identity.database.query(
      `INSERT INTO users (id, email, name, password_hash, locale, status)
       SELECT gen_random_uuid(), upper(email), name, password_hash, locale, status FROM users WHERE id = $1`,
      [user_id],
    );
    await expect(copy).rejects.toMatchObject({ constraint: 'users_email_key' });
    expect(await count('users WHERE lower(email) = $1', [email])).toBe(1);
  });

  it('answers all the same when asked again with the same key', async () => {
    const data = { email: 'again@example.com' };
    const options = { idempotencyKey: randomUUID() };
    const first = await identity.register(data, options);
    expect(await identity.register(data, options)).toEqual(first);
  });

  it('answers the same user, session and refresh token when its first answer was lost', async () => {
    const data = { email: 'lost@example.com' };
    const options = { idempotencyKey: randomUUID() };
    const first = await identity.register(data, options);
    await identity.database.query('UPDATE inbox SET answer = NULL');
    const again = await identity.register(data, options);
    expect(again).toEqual({ ...first, access_token: expect.any(String) });
    expect(claimsOf(again.access_token).sid).toBe(claimsOf(first.access_token).sid);
    expect((await identity.ask('sessions.refresh', { refresh_token: again.refresh_token })).user_id).toBe(
      first.user_id,
    );
  });

  it('makes one user of parallel calls with one key', async () => {
    const options = { idempotencyKey: randomUUID() };
    const answers = await Promise.all(times(8, () => identity.register({ email: 'parallel@example.com' }, options)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await count('sessions WHERE user_id = $1', [answers[0]?.user_id])).toBe(1);
  });

  it('lets strangers choose one key, and tells them nothing of each other', async () => {
    const options = { idempotencyKey: 'a-key-that-two-have-chosen' };
    const mine = await identity.register({ email: 'mine@example.com' }, options);
    const theirs = await identity.register({ email: 'theirs@example.com' }, options);
    expect(theirs.user_id).not.toBe(mine.user_id);
    for (const other of [{ password: `${PASSWORD}?` }, { name: 'Eva' }])
      await expectCode(identity.register({ email: 'mine@example.com', ...other }, options), 'email_taken');
    expect(await identity.register({ email: 'mine@example.com' }, options)).toEqual(mine);
    expect(await identity.register({ email: 'theirs@example.com' }, options)).toEqual(theirs);
    const login = (email: string) => identity.ask('users.login', { email, password: PASSWORD }, options);
    const answers = await Promise.all([mine, theirs, mine, theirs].map(({ email }) => login(email)));
    expect(answers.map(({ user_id }) => user_id)).toEqual([mine, theirs, mine, theirs].map(({ user_id }) => user_id));
    expect([answers[2], answers[3]]).toEqual([answers[0], answers[1]]);
    const wrong = { email: mine.email, password: 'wrong' };
    await expectCode(identity.ask('users.login', wrong, options), 'invalid_credentials');
  });

  it('gives back a key whose request was refused', async () => {
    const { email } = await identity.register();
    const options = { idempotencyKey: randomUUID() };
    await expectCode(identity.register({ email }, options), 'email_taken');
    await identity.register({ email: 'free@example.com' }, options);
  });

  it('tells no answer of a session that has ended since the key was used', async () => {
    const data = { email: 'ended@example.com' };
    const options = { idempotencyKey: randomUUID() };
    const session = await identity.register(data, options);
    await identity.ask('sessions.end', {}, { actor: actorOf(session) });
    await expectCode(identity.register(data, options), 'session_revoked');
    await identity.database.query('UPDATE inbox SET answer = NULL');
    await expectCode(identity.register(data, options), 'session_revoked');
  });

  it('joins the company that invites, and acts in it', async () => {
    const { company, owner } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'issuer');
    const answer = await identity.register({ invitation });
    expect(answer).toMatchObject({ company_id: company.company_id, roles: ['issuer'] });
    expect(claimsOf(answer.access_token)).toMatchObject({ company_id: company.company_id, roles: ['issuer'] });
  });

  it('makes no user when the invitation is not valid', async () => {
    const email = 'uninvited@example.com';
    await expectCode(identity.register({ email, invitation: 'A'.repeat(43) }), 'invitation_invalid');
    expect(await count('users WHERE email = $1', [email])).toBe(0);
    await identity.register({ email });
  });

  it('leaves the invitation good when the e-mail is taken', async () => {
    const { company, owner, session } = await identity.found();
    const { invitation } = await identity.invite(company, owner, 'door');
    await expectCode(identity.register({ email: session.email, invitation }), 'email_taken');
    expect((await identity.register({ invitation })).roles).toEqual(['door']);
  });
});

describe('login', () => {
  it('begins a new session each time', async () => {
    const { email, user_id, access_token } = await identity.register();
    const answer = await identity.ask('users.login', { email, password: PASSWORD });
    expect(answer).toMatchObject({ user_id, email, company_id: null, roles: [] });
    expect(claimsOf(answer.access_token).sid).not.toBe(claimsOf(access_token).sid);
  });

  it('does not mind the case of the e-mail', async () => {
    const { email, user_id } = await identity.register({ email: 'Case@Example.com' });
    expect(email).toBe('case@example.com');
    expect((await identity.ask('users.login', { email: 'CASE@EXAMPLE.COM', password: PASSWORD })).user_id).toBe(
      user_id,
    );
  });

  it('takes passwords as they are typed: no trimming, no change of case', async () => {
    const password = '  Caballo rojo y árbol  ';
    const { email } = await identity.register({ password });
    await identity.ask('users.login', { email, password });
    await expectCode(identity.ask('users.login', { email, password: password.trim() }), 'invalid_credentials');
    await expectCode(identity.ask('users.login', { email, password: password.toLowerCase() }), 'invalid_credentials');
  });

  it('refuses an unknown e-mail, a wrong password and an inactive user alike, after the same work', async () => {
    const { email } = await identity.register();
    const inactive = await identity.register();
    await identity.database.query(`UPDATE users SET status = 'inactive' WHERE id = $1`, [inactive.user_id]);
    const attempts = [
      { email: 'nobody@example.com', password: PASSWORD },
      { email, password: 'wrong password' },
      { email: inactive.email, password: PASSWORD },
    ];
    const errors = [];
    for (const attempt of attempts) {
      const verify = jest.mocked(argon2.verify).mockClear();
      errors.push(await identity.ask('users.login', attempt).catch((error: unknown) => error));
      expect(verify).toHaveBeenCalledTimes(1);
      const [hash] = verify.mock.calls[0] ?? [];
      expect(argon2.parseOptions(hash ?? '')).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    }
    expect(errors[0]).toMatchObject({ code: 'invalid_credentials' });
    expect(errors[1]).toEqual(errors[0]);
    expect(errors[2]).toEqual(errors[0]);
  });

  it('makes hashes of older parameters anew', async () => {
    const { email, user_id } = await identity.register();
    const old = await argon2.hash(PASSWORD, { memoryCost: 8_192, timeCost: 1 });
    await identity.database.query('UPDATE users SET password_hash = $2 WHERE id = $1', [user_id, old]);
    await identity.ask('users.login', { email, password: PASSWORD });
    const [user] = await identity.database.query('SELECT password_hash FROM users WHERE id = $1', [user_id]);
    expect(user.password_hash).toMatch(/m=19456,t=2,p=1/);
    await identity.ask('users.login', { email, password: PASSWORD });
  });

  it('leaves a hash of older parameters alone when the password was wrong', async () => {
    const { email, user_id } = await identity.register();
    const old = await argon2.hash(PASSWORD, { memoryCost: 8_192, timeCost: 1 });
    await identity.database.query('UPDATE users SET password_hash = $2 WHERE id = $1', [user_id, old]);
    await expectCode(identity.ask('users.login', { email, password: 'wrong password' }), 'invalid_credentials');
    const [user] = await identity.database.query('SELECT password_hash FROM users WHERE id = $1', [user_id]);
    expect(user.password_hash).toBe(old);
  });

  it('begins in the company chosen last', async () => {
    const { company, session } = await identity.found();
    const answer = await identity.ask('users.login', { email: session.email, password: PASSWORD });
    expect(answer).toMatchObject({ company_id: company.company_id, roles: ['owner'] });
  });

  it('begins without a company when the user is no active member of it any more', async () => {
    const { company, owner } = await identity.found();
    const member = await identity.member(company, owner, 'admin');
    await identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [member.user_id]);
    const answer = await identity.ask('users.login', { email: member.email, password: PASSWORD });
    expect(answer).toMatchObject({ company_id: null, roles: [] });
    expect(claimsOf(answer.access_token).company_id).toBeNull();
  });

  it('begins one session when it is asked again with the same key', async () => {
    const { email } = await identity.register();
    const options = { idempotencyKey: randomUUID() };
    const answers = await Promise.all(
      times(4, () => identity.ask('users.login', { email, password: PASSWORD }, options)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });
});

const EXPIRE = `UPDATE sessions SET created_at = now() - interval '31 days', expires_at = now() WHERE user_id = $1`;

it.each<[how: string, end: (session: LoginAnswer) => Promise<unknown>]>([
  ['logging out', (session) => identity.ask('sessions.end', {}, { actor: actorOf(session) })],
  ['the end of its time', ({ user_id }) => identity.database.query(EXPIRE, [user_id])],
  [
    'a refresh token that was used again',
    async ({ refresh_token: token }) => {
      const next = await identity.ask('sessions.refresh', { refresh_token: token });
      await identity.ask('sessions.refresh', { refresh_token: next.refresh_token });
      await expectCode(identity.ask('sessions.refresh', { refresh_token: token }), 'refresh_token_reused');
    },
  ],
])('a login is not answered again under its key after %s', async (_how, end) => {
  const { email } = await identity.register();
  const login = (idempotencyKey: string) =>
    identity.ask('users.login', { email, password: PASSWORD }, { idempotencyKey });
  const key = randomUUID();
  const session = await login(key);
  expect(await login(key)).toEqual(session);
  await end(session);
  await expectCode(login(key), 'session_revoked');
  expect((await login(randomUUID())).user_id).toBe(session.user_id);
});

describe('me', () => {
  it('shows the user and all memberships', async () => {
    const { company, owner, session } = await identity.found({ name: 'Universidad Demo' });
    expect(await identity.ask('users.me', {}, { actor: owner })).toEqual({
      user_id: session.user_id,
      name: 'Ana Pérez',
      email: session.email,
      email_verified: false,
      locale: 'en',
      company_id: company.company_id,
      memberships: [
        { company_id: company.company_id, company_name: 'Universidad Demo', role: 'owner', status: 'active' },
      ],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('shows suspended memberships as such', async () => {
    const { company, owner } = await identity.found();
    const member = await identity.member(company, owner, 'door');
    await identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [member.user_id]);
    const { memberships } = await identity.ask('users.me', {}, { actor: { ...member, company_id: null, role: null } });
    expect(memberships).toMatchObject([{ company_id: company.company_id, role: 'door', status: 'suspended' }]);
  });

  it('knows no user who is not there', async () => {
    const actor = { ...actorOf(await identity.register()), user_id: randomUUID() };
    await expectCode(identity.ask('users.me', {}, { actor }), 'user_not_found');
    await expectCode(identity.ask('users.update-me', { name: 'Eva' }, { actor }), 'user_not_found');
  });
});

describe('update-me', () => {
  it('changes what is given and nothing else', async () => {
    const actor = actorOf(await identity.register());
    expect(await identity.ask('users.update-me', { locale: 'es' }, { actor })).toMatchObject({
      name: 'Ana Pérez',
      locale: 'es',
    });
    expect(await identity.ask('users.update-me', { name: 'Eva' }, { actor })).toMatchObject({
      name: 'Eva',
      locale: 'es',
    });
    expect(await identity.ask('users.update-me', {}, { actor })).toMatchObject({ name: 'Eva', locale: 'es' });
  });

  it('refuses null, which neither field can be', async () => {
    const actor = actorOf(await identity.register());
    const refused = identity.ask('users.update-me', { name: null, locale: 'es' }, { actor });
    await expect(refused).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [{ field: 'name', code: 'required' }] },
    });
    expect(await identity.ask('users.me', {}, { actor })).toMatchObject({ name: 'Ana Pérez', locale: 'en' });
  });
});
