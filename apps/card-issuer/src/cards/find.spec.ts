import { randomUUID } from 'node:crypto';
import type { Actor, Card, CardPage, ListCardsDto } from '@puerta/contracts';
import { codeOf, joined, TestCardIssuer, user } from '../../test/card-issuer';
import { searchQuery } from './card-search';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start();
});
afterAll(() => service?.stop());

const FUTURE = '2060-01-01T00:00:00Z';

describe('getting a card', () => {
  it('is for who issues for its company, and for its holder in whichever company or none', async () => {
    const issuer = user();
    const holder = joined(user(null, null), issuer);
    const card = await service.issue(issuer, { holder: { name: 'Ana', user_id: holder.user_id } });
    const get = (actor: Actor | undefined) => codeOf(service.ask('cards.get', { card_id: card.card_id }, { actor }));

    for (const actor of [
      issuer,
      user('issuer', issuer.company_id),
      user('owner', issuer.company_id),
      holder,
      { ...user('member'), user_id: holder.user_id },
      { ...user('owner'), user_id: holder.user_id },
    ]) {
      expect(await get(actor)).toEqual(card);
    }
    for (const actor of [
      user('owner'),
      user('door', issuer.company_id),
      user('member', issuer.company_id),
      user(null, null),
    ]) {
      expect(await get(actor)).toBe('card_not_found');
    }
    expect(await get(undefined)).toBe('unauthenticated');
    expect(await codeOf(service.ask('cards.get', { card_id: randomUUID() }, { actor: issuer }))).toBe('card_not_found');
  });

  it('shows an active card as expired from the moment its time has passed', async () => {
    const actor = user();
    const [past, future] = [
      await service.expire(await service.issue(actor)),
      await service.issue(actor, { valid_until: FUTURE }),
    ];
    expect(await service.ask('cards.get', { card_id: past.card_id }, { actor })).toEqual(past);
    expect([past.status, future.status]).toEqual(['expired', 'active']);
    await service.ask('cards.revoke', { card_id: past.card_id }, { actor });
    expect(await service.ask('cards.get', { card_id: past.card_id }, { actor })).toMatchObject({ status: 'revoked' });
  });
});

it('finds a card by the e-mail of its holder, however either is written', async () => {
  const actor = user();
  const spellings = ['ana@münchen.de', 'ANA@xn--mnchen-3ya.de', 'ana@MU\u0308NCHEN.de', 'ａｎａ@münchen。de'];
  for (const email of spellings) await service.issue(actor, { holder: { name: 'Ana', email } });
  for (const q of [...spellings, 'ana ana@xn--mnchen-3ya.de']) {
    const { items } = await service.ask('cards.list', { q }, { actor });
    expect([q, items.length]).toEqual([q, spellings.length]);
  }
  expect((await service.ask('cards.list', { q: 'eva@münchen.de' }, { actor })).items).toEqual([]);
});

describe('listing cards', () => {
  const actor = user();
  const list = (query: ListCardsDto = {}, who = actor): Promise<CardPage> =>
    service.ask('cards.list', query, { actor: who });
  const names = async (query: ListCardsDto): Promise<string[]> =>
    (await list({ limit: 100, ...query })).items.map((card) => card.holder.name);
  const cards: Card[] = [];

  beforeAll(async () => {
    const holders = [
      { name: 'Ángela Pérez-García', email: 'angela@example.com', document_id: 'V 12.345.678', unit: 'Ingeniería' },
      { name: 'Luis O’Brien', email: 'LUIS@example.com', unit: 'Ingeniería' },
      { name: "Pedro D'Angelo", document_id: 'E-99%_\\', unit: 'Derecho' },
      { name: '李 小龙' },
    ];
    for (const holder of holders) cards.push(await service.issue(actor, { holder }));
    cards.push(await service.expire(await service.issue(actor, { holder: { name: 'Past' } })));
    cards.push(await service.issue(actor, { holder: { name: 'Future' }, valid_until: FUTURE }));
    const [suspended, revoked] = [
      await service.issue(actor, { holder: { name: 'Away' } }),
      await service.issue(actor, { holder: { name: 'Gone' } }),
    ];
    await service.ask('cards.suspend', { card_id: suspended.card_id }, { actor });
    await service.ask('cards.revoke', { card_id: revoked.card_id }, { actor });
    for (let i = 0; i < 3; i++) await service.issue(user());
  });

  it('shows the cards of the company, newest first, and no others', async () => {
    expect(await names({})).toEqual([
      'Gone',
      'Away',
      'Future',
      'Past',
      '李 小龙',
      "Pedro D'Angelo",
      'Luis O’Brien',
      'Ángela Pérez-García',
    ]);
    expect((await list()).items.at(-1)).toEqual(cards[0]);
    expect((await list({}, user('admin'))).items).toEqual([]);
  });

  it('needs a user, a company and the role', async () => {
    expect(await codeOf(service.ask('cards.list', {}))).toBe('unauthenticated');
    expect(await codeOf(list({}, user(null, null)))).toBe('company_required');
    expect(await codeOf(list({}, user('door', actor.company_id)))).toBe('role_required');
  });

  it('goes page by page through all of them, once each', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 3, ...(cursor ? { cursor } : {}) });
      expect(page.items.length).toBeLessThanOrEqual(3);
      expect(page.total).toBeUndefined();
      seen.push(...page.items.map((card) => card.card_id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual([...seen].sort().reverse());
    expect(new Set(seen).size).toBe(8);
  });

  it('counts all that match, whatever the page', async () => {
    const first = await list({ limit: 2, count: true });
    expect(first.total).toBe(8);
    expect((await list({ limit: 2, count: true, cursor: first.next_cursor as string })).total).toBe(8);
    expect(await list({ limit: 1, count: true, unit: 'Ingeniería' })).toMatchObject({
      total: 2,
      items: [{ holder: { name: 'Luis O’Brien' } }],
    });
  });

  it.each([
    ['active', ['Future', '李 小龙', "Pedro D'Angelo", 'Luis O’Brien', 'Ángela Pérez-García']],
    ['expired', ['Past']],
    ['suspended', ['Away']],
    ['revoked', ['Gone']],
  ] as const)('filters by status %s', async (status, expected) => {
    expect(await names({ status })).toEqual(expected);
    expect((await list({ status })).items.every((card) => card.status === status)).toBe(true);
  });

  it('filters by unit, and by all filters together', async () => {
    expect(await names({ unit: 'Ingeniería' })).toEqual(['Luis O’Brien', 'Ángela Pérez-García']);
    expect(await names({ unit: 'Ingenier' })).toEqual([]);
    expect(await names({ unit: 'Ingeniería', status: 'active', q: 'luis' })).toEqual(['Luis O’Brien']);
    expect(await names({ unit: 'Derecho', q: 'luis' })).toEqual([]);
  });

  it.each([
    ['angela', ['Ángela Pérez-García']],
    ['ÁNGELA', ['Ángela Pérez-García']],
    ['perez ang', ['Ángela Pérez-García']],
    ['garcia', ['Ángela Pérez-García']],
    ['ang', ["Pedro D'Angelo", 'Ángela Pérez-García']],
    ["d'ang", ["Pedro D'Angelo"]],
    ['o’b', ['Luis O’Brien']],
    ['ngela', []],
    ['angela luis', []],
    ['luis@EX', ['Luis O’Brien']],
    ['v 12.345', ['Ángela Pérez-García']],
    ['E-99%_\\', ["Pedro D'Angelo"]],
    ['e-99', ["Pedro D'Angelo"]],
    ['小', ['李 小龙']],
    ['%', []],
    ['_', []],
    ['*', []],
    ["'", []],
    ["' OR TRUE --", []],
    ['\\', []],
    ["\\'", []],
    ['!zzz', []],
    ['zzz | angela', []],
    ['angela:*', []],
    ['<-> & ( ) : *', []],
  ])('finds by what begins with %s', async (q, expected) => {
    expect(await names({ q })).toEqual(expected);
  });

  describe('finds names as people type them', () => {
    const office = user();
    const people = [
      'Sinéad O’Connor',
      'Ðorde Đorđević',
      'Işık Yıldız',
      'Łucja Søndergård',
      'Jürgen Groß-Müller',
      'Jean Luc Picard',
      'Нурлан Ёлкин',
      'محمد الأحمد',
      'Νίκος Σίσυφος',
      "Ka'iulani Māhoe",
      'Inés García-O’Higgins',
    ];
    beforeAll(async () => {
      for (const name of people) {
        const document_id = name.startsWith('Jürgen') ? 'V-12.345.678' : null;
        await service.issue(office, { holder: { name, document_id } });
      }
    });
    const found = async (q: string) =>
      (await list({ q, limit: 100 }, office)).items.map(({ holder }) => holder.name).reverse();

    it.each([
      ["O'Connor", 'Sinéad O’Connor'],
      ['oconnor', 'Sinéad O’Connor'],
      ['o connor', 'Sinéad O’Connor'],
      ['O´Connor', 'Sinéad O’Connor'],
      ['Oʼconn', 'Sinéad O’Connor'],
      ['dorde', 'Ðorde Đorđević'],
      ['đordev', 'Ðorde Đorđević'],
      ['isik', 'Işık Yıldız'],
      ['ISIK YILDIZ', 'Işık Yıldız'],
      ['IŞIK', 'Işık Yıldız'],
      ['lucja sondergard', 'Łucja Søndergård'],
      ['gross', 'Jürgen Groß-Müller'],
      ['groß‑mull', 'Jürgen Groß-Müller'],
      ['gross muller', 'Jürgen Groß-Müller'],
      ['GROSSMULLER', 'Jürgen Groß-Müller'],
      ['v12345678', 'Jürgen Groß-Müller'],
      ['V 12345', 'Jürgen Groß-Müller'],
      ['jean-luc', 'Jean Luc Picard'],
      ['елкин', 'Нурлан Ёлкин'],
      ['الاحمد', 'محمد الأحمد'],
      ['مُحمد', 'محمد الأحمد'],
      ['νικος σισυφος', 'Νίκος Σίσυφος'],
      ['ΣΙΣΥΦΟΣ', 'Νίκος Σίσυφος'],
      ['kaʻiulani mahoe', "Ka'iulani Māhoe"],
      ['kaiul', "Ka'iulani Māhoe"],
      ['ohiggins', 'Inés García-O’Higgins'],
      ["o'higgins", 'Inés García-O’Higgins'],
      ["garcia-o'hig", 'Inés García-O’Higgins'],
      ['higgins garcia', 'Inés García-O’Higgins'],
    ])('%s', async (q, name) => {
      expect(await found(q)).toEqual([name]);
    });

    it.each(['connoro', 'dorde isik', "o'isik", 'jeanluc picard-', 'muller gross jurgen ana'])(
      'and nobody by %s',
      async (q) => {
        expect(await found(q)).toEqual([]);
      },
    );
  });

  it('finds by the number', async () => {
    const [card] = cards as [Card];
    expect(await names({ q: card.number })).toEqual(['Ángela Pérez-García']);
    expect((await names({ q: card.number.slice(0, 6) })).length).toBe(8);
    expect(await names({ q: card.number.slice(1) })).toEqual([]);
  });

  it.each([
    'x',
    'e30',
    Buffer.from('["nothing"]').toString('base64url'),
    Buffer.from(`["${randomUUID()}",1]`).toString('base64url'),
  ])('refuses the made-up cursor %s', async (cursor) => {
    expect(await codeOf(list({ cursor }))).toBe('validation_failed');
  });

  it('finds what is typed among the newest and among all, each once, in order, page by page', async () => {
    const office = user();
    const first = await service.issue(office, { holder: { name: 'Oldest Rare' } });
    // Common names stand in every third card, and rare ones beyond the next two thousand.
    await service.database.query(
      `INSERT INTO cards SELECT gen_random_uuid(), company_id, '98-' || n, status, 'Copy', null, null, null, null, null,
         valid_until, issued_at, revision, code_salt, code_secret_id, sha256(('p' || n)::bytea),
         ARRAY[' 2', 'copy'] || CASE WHEN n % 3 = 0 THEN ARRAY['common'] ELSE '{}' END
           || CASE WHEN n % 500 = 0 THEN ARRAY['rare'] ELSE '{}' END
       FROM cards, generate_series(10001, 15000) AS n WHERE id = $1`,
      [first.card_id],
    );
    for (const [q, expected] of [
      ['common', 1_667],
      ['rare', 11],
      ['nobody', 0],
    ] as const) {
      const seen: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await list({ q, limit: 100, count: true, ...(cursor ? { cursor } : {}) }, office);
        expect(page.total).toBe(expected);
        seen.push(...page.items.map(({ card_id }) => card_id));
        cursor = page.next_cursor;
      }
      expect(seen).toHaveLength(expected);
      expect(seen).toEqual([...new Set(seen)].sort().reverse());
    }
    await service.database.query('DELETE FROM cards WHERE company_id = $1', [office.company_id]);
  });

  it('takes null as not asked', async () => {
    const nothing = { limit: null, cursor: null, count: null, q: null, status: null, unit: null };
    expect(await service.askAnything('cards.list', nothing, { actor })).toEqual(await list());
  });

  it('is served by indexes', async () => {
    const company = randomUUID();
    await service.database.query(
      `INSERT INTO cards
       SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN $1::uuid ELSE gen_random_uuid() END, '26-' || (10000 + n),
         'active', 'Name', null, null, null, 'Unit ' || n % 50, null, null, now(), 1,
         substr(sha256('s'), 1, 16), 'k1', sha256(n::text::bytea), ARRAY['name' || n, 'n']
       FROM generate_series(1, 5000) AS n`,
      [company],
    );
    await service.database.query('ANALYZE cards');
    const typed = searchQuery("o'name4321 n");
    const plan = async (where: string): Promise<string> => {
      const sql = `EXPLAIN SELECT * FROM cards WHERE company_id = '${company}' AND ${where} ORDER BY id DESC LIMIT 21`;
      return JSON.stringify(await service.database.query(sql));
    };
    expect(await plan('TRUE')).toContain('cards_company_idx');
    expect(await plan(`status = 'revoked'`)).toContain('cards_company_status_idx');
    expect(await plan(`holder_unit = 'Unit 7'`)).toContain('cards_company_unit_idx');
    expect(await plan(`status = 'active' AND valid_until <= now()`)).toContain('cards_company_expiry_idx');
    expect(await plan(`array_to_tsvector(search_words) @@ CAST('''name4321'':*' AS tsquery)`)).toContain(
      'cards_search_idx',
    );
    expect(
      await plan(`array_to_tsvector(search_words) @@ CAST('${typed?.replaceAll("'", "''")}' AS tsquery)`),
    ).toContain('cards_search_idx');
    const whole = `EXPLAIN SELECT * FROM cards WHERE company_id = '${company}'
      AND array_to_tsvector(search_words) @@ CAST('''name4321'':*' AS tsquery) ORDER BY CAST(id AS text) COLLATE "C" DESC LIMIT 21`;
    expect(JSON.stringify(await service.database.query(whole))).toContain('cards_search_idx');
    await service.database.query('DELETE FROM cards WHERE company_id <> $1', [actor.company_id]);
  });
});

describe('correcting a card', () => {
  const actor = user();
  let card: Card;
  beforeEach(async () => {
    const holder = {
      name: 'Ana Pérez',
      email: 'ana@example.com',
      document_id: 'V-1',
      title: 'Docente',
      unit: 'Letras',
      user_id: joined(user(), actor).user_id,
    };
    card = await service.issue(actor, { holder, valid_until: FUTURE });
  });
  const update = (changes: object, who: Actor = actor) =>
    service.askAnything('cards.update', { card_id: card.card_id, ...changes }, { actor: who });

  it('changes what is told, keeps what is absent, clears what is null', async () => {
    const changed = await update({ holder: { name: 'Eva Mora', email: null, title: null }, valid_until: null });
    expect(changed).toEqual({
      ...card,
      holder: { ...card.holder, name: 'Eva Mora', email: null, title: null },
      valid_until: null,
    });
    expect(await service.ask('cards.get', { card_id: card.card_id }, { actor })).toEqual(changed);
    expect(await service.history(card)).toEqual(['issued', 'updated']);
  });

  it('finds it by its new words and no more by the old ones', async () => {
    await update({ holder: { name: 'Unica Persona', document_id: 'X-77' } });
    const find = async (q: string) =>
      (await service.ask('cards.list', { q }, { actor })).items.filter((one) => one.card_id === card.card_id).length;
    expect([
      await find('unica'),
      await find('x-77'),
      await find('ana@'),
      await find('perez'),
      await find('v-1'),
    ]).toEqual([1, 1, 1, 0, 0]);
  });

  it('with nothing to change answers the card and writes no history', async () => {
    expect(await update({})).toEqual(card);
    expect(await update({ holder: {} })).toEqual(card);
    expect(await service.history(card)).toEqual(['issued']);
  });

  it('makes an expired one live again, and ends none by a time that has passed: that is to suspend or to revoke', async () => {
    const expired = await service.expire(card);
    for (const valid_until of [
      '0000-01-01T00:00:00Z',
      '2020-01-01T00:00:01Z',
      new Date().toISOString(),
      '2999-01-01T00:00:00Z',
    ]) {
      await expect(update({ valid_until })).rejects.toMatchObject({
        code: 'validation_failed',
        extra: {
          errors: [
            {
              field: 'valid_until',
              code: 'out_of_range',
              params: { min: expect.any(String), max: expect.any(String) },
            },
          ],
        },
      });
    }
    expect(await update({ valid_until: expired.valid_until })).toEqual(expired);
    expect(await update({ holder: { name: 'Eva' }, valid_until: expired.valid_until })).toMatchObject({
      status: 'expired',
    });
    expect(await update({ valid_until: FUTURE })).toMatchObject({ status: 'active' });
    expect(await service.history(card)).toEqual(['issued', 'updated', 'updated']);
  });

  it.each([
    [{ holder: { name: null } }, 'holder.name'],
    [{ holder: null }, 'holder'],
  ])('refuses to clear the name: %j', async (changes, field) => {
    await expect(update(changes)).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [{ field, code: 'required' }] },
    });
    expect(await service.ask('cards.get', { card_id: card.card_id }, { actor })).toEqual(card);
  });

  it('is for who issues for its company, not for its holder', async () => {
    const change = { valid_until: null };
    expect(await codeOf(update(change, user('owner')))).toBe('card_not_found');
    expect(await codeOf(update(change, user('door', actor.company_id)))).toBe('role_required');
    expect(await codeOf(update(change, { ...user(null, null), user_id: card.holder.user_id as string }))).toBe(
      'company_required',
    );
  });

  it('keeps what each of two that come at once has changed', async () => {
    await Promise.all([
      update({ holder: { title: 'Decana' } }),
      update({ holder: { unit: 'Artes' } }),
      update({ holder: { name: 'Eva' } }),
    ]);
    const { holder } = await service.ask('cards.get', { card_id: card.card_id }, { actor });
    expect(holder).toMatchObject({ name: 'Eva', title: 'Decana', unit: 'Artes' });
    expect((await service.ask('cards.list', { q: 'eva' }, { actor })).items.map((one) => one.card_id)).toContain(
      card.card_id,
    );
  });
});
