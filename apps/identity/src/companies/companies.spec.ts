import { randomUUID } from 'node:crypto';
import { expectCode, times } from '../../test/expect-code';
import { actorOf, TestIdentity } from '../../test/identity';

let identity: TestIdentity;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
afterAll(() => identity.close());

const refusedField = (field: string, code: string) => ({
  code: 'validation_failed',
  extra: { errors: [{ field, code }] },
});

describe('create', () => {
  it('makes a company that its maker owns', async () => {
    const actor = actorOf(await identity.register());
    const company = await identity.ask('companies.create', { name: 'Universidad Demo' }, { actor });
    expect(company).toEqual({
      company_id: expect.any(String),
      name: 'Universidad Demo',
      join_policy: 'invitation',
      time_zone: 'UTC',
      locale: 'en',
      created_at: expect.any(String),
    });
    const { memberships } = await identity.ask('users.me', {}, { actor });
    expect(memberships).toEqual([
      { company_id: company.company_id, company_name: 'Universidad Demo', role: 'owner', status: 'active' },
    ]);
  });

  it('keeps what it is told', async () => {
    const actor = actorOf(await identity.register());
    const data = { name: 'Feria', join_policy: 'open', time_zone: 'America/Caracas', locale: 'es' } as const;
    expect(await identity.ask('companies.create', data, { actor })).toMatchObject(data);
  });

  it('makes one company of parallel calls with one key', async () => {
    const options = { actor: actorOf(await identity.register()), idempotencyKey: randomUUID() };
    const answers = await Promise.all(times(10, () => identity.ask('companies.create', { name: 'Una' }, options)));
    expect(new Set(answers.map((company) => company.company_id)).size).toBe(1);
    expect((await identity.ask('companies.list-mine', {}, options)).items).toHaveLength(1);
    await expectCode(identity.ask('companies.create', { name: 'Otra' }, options), 'idempotency_mismatch');
  });

  it('refuses what is no time zone', async () => {
    const actor = actorOf(await identity.register());
    for (const time_zone of ['America/Nowhere', '+02:00', '+0200', '-03', '../etc/passwd', 'Z', '']) {
      const answer = identity.ask('companies.create', { name: 'Una', time_zone }, { actor });
      await expect(answer).rejects.toMatchObject({
        code: 'validation_failed',
        extra: { errors: [{ field: 'time_zone' }] },
      });
    }
    await identity.ask('companies.create', { name: 'Una', time_zone: 'Europe/Madrid' }, { actor });
  });

  it('leaves no company behind for a user who is not there', async () => {
    const actor = { ...actorOf(await identity.register()), user_id: randomUUID() };
    await expectCode(identity.ask('companies.create', { name: 'Huérfana' }, { actor }), 'user_not_found');
    expect(await identity.database.query(`SELECT 1 FROM companies WHERE name = 'Huérfana'`)).toEqual([]);
  });

  it('is closed where only the operator makes companies', async () => {
    const closed = await TestIdentity.start({ IDENTITY_COMPANY_CREATION: 'operator' });
    try {
      const actor = actorOf(await closed.register());
      await expectCode(closed.ask('companies.create', { name: 'Una' }, { actor }), 'company_creation_closed');
    } finally {
      await closed.close();
    }
  });
});

describe('list-mine', () => {
  it('gives page after page, each company once, with the role there', async () => {
    const actor = actorOf(await identity.register());
    const made: string[] = [];
    for (const index of times(5, (i) => i)) {
      made.push((await identity.ask('companies.create', { name: `Compañía ${index}` }, { actor })).company_id);
    }
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await identity.ask(
        'companies.list-mine',
        { limit: 2, count: true, ...(cursor ? { cursor } : {}) },
        { actor },
      );
      expect(page.total).toBe(5);
      expect(page.items.every(({ role }) => role === 'owner')).toBe(true);
      seen.push(...page.items.map(({ company_id }) => company_id));
      cursor = page.next_cursor;
    } while (cursor);
    expect(seen).toEqual(made);
  });

  it('leaves out companies of others and suspended memberships', async () => {
    const { company, owner } = await identity.found();
    const member = await identity.member(company, owner, 'door');
    const { company: own } = await identity.found();
    const list = async () => (await identity.ask('companies.list-mine', {}, { actor: member })).items;
    expect((await list()).map(({ company_id }) => company_id)).toEqual([company.company_id]);
    expect((await list())[0]?.company_id).not.toBe(own.company_id);
    await identity.database.query(`UPDATE memberships SET status = 'suspended' WHERE user_id = $1`, [member.user_id]);
    expect(await list()).toEqual([]);
  });

  it('refuses a cursor that it did not give', async () => {
    const actor = actorOf(await identity.register());
    for (const cursor of [
      'AAAA',
      Buffer.from('["x"]').toString('base64url'),
      Buffer.from('[1,2]').toString('base64url'),
    ]) {
      await expect(identity.ask('companies.list-mine', { cursor }, { actor })).rejects.toMatchObject(
        refusedField('cursor', 'bad_format'),
      );
    }
  });
});

describe('get and update', () => {
  it('are for administrators of the company they act in', async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    const admin = await identity.member(company, owner, 'admin');
    for (const actor of [owner, admin])
      expect(await identity.ask('companies.get', { company_id }, { actor })).toEqual(company);
    for (const role of ['member', 'door', 'issuer'] as const) {
      const actor = { ...admin, role };
      await expectCode(identity.ask('companies.get', { company_id }, { actor }), 'role_required');
      await expectCode(identity.ask('companies.update', { company_id, name: 'Mía' }, { actor }), 'role_required');
    }
    expect(await identity.ask('companies.get', { company_id }, { actor: owner })).toEqual(company);
  });

  it('know no other company, whether it exists or not', async () => {
    const { owner } = await identity.found();
    const { company: other } = await identity.found();
    for (const company_id of [other.company_id, randomUUID()]) {
      await expectCode(identity.ask('companies.get', { company_id }, { actor: owner }), 'company_not_found');
      await expectCode(
        identity.ask('companies.update', { company_id, name: 'Mía' }, { actor: owner }),
        'company_not_found',
      );
    }
    const nowhere = { ...owner, company_id: null, role: null };
    await expectCode(
      identity.ask('companies.get', { company_id: other.company_id }, { actor: nowhere }),
      'company_not_found',
    );
  });

  it('change what is given and nothing else', async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    const change = { join_policy: 'open', time_zone: 'America/Bogota' } as const;
    expect(await identity.ask('companies.update', { company_id, ...change }, { actor: owner })).toEqual({
      ...company,
      ...change,
    });
    expect(await identity.ask('companies.update', { company_id }, { actor: owner })).toEqual({ ...company, ...change });
  });

  it('refuse null and what is no time zone, and change nothing then', async () => {
    const { company, owner } = await identity.found();
    const { company_id } = company;
    await expect(
      identity.ask('companies.update', { company_id, name: null, locale: 'es' }, { actor: owner }),
    ).rejects.toMatchObject(refusedField('name', 'required'));
    await expect(
      identity.ask('companies.update', { company_id, name: 'Otra', time_zone: 'Luna/Cráter' }, { actor: owner }),
    ).rejects.toMatchObject(refusedField('time_zone', 'bad_format'));
    expect(await identity.ask('companies.get', { company_id }, { actor: owner })).toEqual(company);
  });
});
