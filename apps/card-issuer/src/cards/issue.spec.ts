import { randomUUID } from 'node:crypto';
import { type Card, CARD_CODE, type IssueCardDto } from '@puerta/contracts';
import { waitFor } from '@puerta/testing';
import { codeOf, delivery, joined, PUBLIC_URL, scanCode, TestCardIssuer, user } from '../../test/card-issuer';
import { cardNumber } from './card-numbers';

const YEAR = new Date().getUTCFullYear();
const numbered = (serial: number): string => cardNumber(YEAR, serial);
const serialOf = ({ number }: Card): number => Number(number.slice(3));

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start({ replicas: 2 });
});
afterAll(() => service?.stop());

const issueTo = (name: string): IssueCardDto => ({ holder: { name } });

/** Asks again under the same key while the service is busy, as callers do: a slow machine may be that for a while. */
async function issuePatiently(actor: ReturnType<typeof user>): Promise<Card> {
  const options = { actor, idempotencyKey: randomUUID() };
  for (;;) {
    const answer = await codeOf(service.ask('cards.issue', issueTo('Luis Rojas'), options));
    if (typeof answer === 'object') return answer as Card;
    expect(['service_unavailable', 'overloaded', 'outcome_unknown']).toContain(answer);
  }
}

describe('a card that is issued', () => {
  it('answers all of itself, with the address of its QR', async () => {
    const actor = user();
    const holder = {
      name: 'Ana Pérez',
      email: 'ana@example.com',
      document_id: 'V-1',
      title: 'Estudiante',
      unit: 'Ingeniería',
      user_id: joined(user(), actor).user_id,
    };
    const card = await service.issue(actor, { holder, valid_until: '2059-12-31T23:59:59.999Z' });
    expect(card).toEqual({
      card_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      number: numbered(10_001),
      status: 'active',
      holder,
      photo_url: null,
      scan_url: expect.any(String),
      issued_at: expect.any(String),
      valid_until: '2059-12-31T23:59:59.999Z',
    });
    expect(scanCode(card)).toMatch(CARD_CODE);
    expect(card.scan_url).toBe(`${PUBLIC_URL}/scan/${scanCode(card)}`);
    expect(Math.abs(Date.parse(card.issued_at) - Date.now())).toBeLessThan(10_000);
    expect(await service.history(card)).toEqual(['issued']);
  });

  it('has null where nothing was told', async () => {
    const card = await service.issue(user());
    expect(card.holder).toEqual({
      name: 'Luis Rojas',
      email: null,
      document_id: null,
      title: null,
      unit: null,
      user_id: null,
    });
    expect(card.valid_until).toBeNull();
  });

  it.each([
    '0000-01-01T00:00:00.000Z',
    '0001-01-01T00:00:00.000Z',
    '1883-11-18T12:03:58.001Z',
    '2020-02-29T00:00:00.000Z',
    '2199-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.999Z',
  ])('is not valid until %s: that is refused, and takes no number', async (valid_until) => {
    const actor = user();
    await expect(service.issue(actor, { valid_until })).rejects.toMatchObject({
      code: 'validation_failed',
      extra: { errors: [{ field: 'valid_until', code: 'out_of_range' }] },
    });
    expect(await service.count('cards', 'company_id = $1', [actor.company_id])).toBe(0);
    expect((await service.issue(actor)).number).toBe(numbered(10_001));
  });

  it('comes back as it was valid, to the millisecond, also to who asks again when that has passed', async () => {
    const actor = user();
    const valid_until = new Date(Date.now() + 400).toISOString();
    const ask = () =>
      service.ask('cards.issue', { holder: { name: 'Ana' }, valid_until }, { actor, idempotencyKey: 'once' });
    const card = await ask();
    expect(card).toMatchObject({ valid_until, status: 'active' });
    const now = () => service.ask('cards.get', { card_id: card.card_id }, { actor });
    expect((await now()).valid_until).toBe(valid_until);
    await waitFor(async () => (await now()).status === 'expired');
    expect(await ask()).toEqual(card);
  });

  it('needs a user, a company and the role', async () => {
    const ask = (actor?: ReturnType<typeof user>) => codeOf(service.ask('cards.issue', issueTo('Ana'), { actor }));
    expect(await ask()).toBe('unauthenticated');
    expect(await ask(user(null, null))).toBe('company_required');
    expect(await ask(user('door'))).toBe('role_required');
    expect(await ask(user('member'))).toBe('role_required');
    for (const role of ['issuer', 'admin', 'owner'] as const)
      expect(await ask(user(role))).toMatchObject({ status: 'active' });
  });
});

describe('numbers', () => {
  it('begin at 10001 in each company and follow one another', async () => {
    const [actor, other] = [user(), user()];
    const numbers = [await service.issue(actor), await service.issue(actor), await service.issue(other)].map(
      (card) => card.number,
    );
    expect(numbers).toEqual([numbered(10_001), numbered(10_002), numbered(10_001)]);
  });

  it('begin again each year and widen past 99999', async () => {
    const actor = user();
    const counter = 'INSERT INTO card_counters (company_id, year, next) VALUES ($1, $2, $3)';
    await service.database.query(counter, [actor.company_id, YEAR, 99_999]);
    await service.database.query(counter, [actor.company_id, YEAR - 1, 20_000]);
    const cards = [await service.issue(actor), await service.issue(actor)];
    expect(cards.map((card) => card.number)).toEqual([numbered(99_999), `${String(YEAR).slice(2)}-100000`]);
    expect(cardNumber(2107, 10_001)).toBe('07-10001');
  });

  it('may be chosen where they are free, and are counted around', async () => {
    const actor = user();
    expect((await service.issue(actor, { number: numbered(10_002) })).number).toBe(numbered(10_002));
    expect((await service.issue(actor, { number: '98-00007' })).number).toBe('98-00007');
    expect(await codeOf(service.issue(actor, { number: numbered(10_002) }))).toBe('card_number_taken');
    expect((await service.issue(user(), { number: numbered(10_002) })).number).toBe(numbered(10_002));
    expect([await service.issue(actor), await service.issue(actor)].map(serialOf)).toEqual([10_001, 10_003]);
    expect(await codeOf(service.issue(actor, { number: numbered(10_003) }))).toBe('card_number_taken');
    expect(serialOf(await service.issue(actor))).toBe(10_004);
  });

  it('pass over an imported block of any length in one issue', async () => {
    const actor = user();
    const first = await service.issue(actor);
    await service.database.query(
      `INSERT INTO cards
       SELECT gen_random_uuid(), company_id, $2 || serial, status, holder_name, null, null, null, null, null,
         valid_until, issued_at, revision, code_salt, code_secret_id, sha256(serial::text::bytea), search_words
       FROM cards, generate_series(10002, 12500) AS serial WHERE id = $1`,
      [first.card_id, numbered(0).slice(0, 3)],
    );
    expect([await service.issue(actor), await service.issue(actor)].map(serialOf)).toEqual([12_501, 12_502]);
  });

  it('of an issue that fails are given to the next', async () => {
    const actor = user();
    const { database } = service;
    await service.issue(actor);
    // Fails in the transaction after the number was taken.
    await database.query(
      `ALTER TABLE card_events ADD CONSTRAINT no_more CHECK (actor_user_id <> '${actor.user_id}') NOT VALID`,
    );
    expect(await codeOf(service.issue(actor))).toBe('internal');
    await database.query('ALTER TABLE card_events DROP CONSTRAINT no_more');
    expect(serialOf(await service.issue(actor))).toBe(10_002);
    expect(await service.count('cards', 'company_id = $1', [actor.company_id])).toBe(2);
  });

  it('are unique and without gaps when 50 callers issue 150 cards over two replicas', async () => {
    const actor = user();
    const one = async (): Promise<Card[]> => {
      const cards: Card[] = [];
      for (let i = 0; i < 3; i++) cards.push(await issuePatiently(actor));
      return cards;
    };
    const cards = (await Promise.all(Array.from({ length: 50 }, one))).flat();
    const serials = cards.map(serialOf).sort((a, b) => a - b);
    expect(serials).toEqual(Array.from({ length: 150 }, (_, i) => 10_001 + i));
    expect(new Set(cards.map(scanCode)).size).toBe(150);
    expect(await service.count('cards', 'company_id = $1', [actor.company_id])).toBe(150);
  });

  it('stay so when others choose theirs meanwhile', async () => {
    const actor = user();
    const chosen = [10_001, 10_005, 10_006, 10_020, 10_020, 10_033].map((serial) =>
      codeOf(service.issue(actor, { number: numbered(serial) })),
    );
    const counted = Array.from({ length: 60 }, () => issuePatiently(actor));
    const issued = (await Promise.all([...chosen, ...counted])).filter((card) => typeof card === 'object') as Card[];
    const serials = issued.map(serialOf).sort((a, b) => a - b);
    expect(new Set(serials).size).toBe(serials.length);
    // Each of the 60 has one, those chosen by hand at most once, and there is no gap below the last counted one.
    const last = Math.max(...(await Promise.all(counted)).map(serialOf));
    expect(serials.filter((serial) => serial <= last)).toEqual(
      Array.from({ length: last - 10_000 }, (_, i) => 10_001 + i),
    );
    expect(issued.length).toBeGreaterThanOrEqual(60);
  });
});

describe('asking again', () => {
  it('with the same Idempotency-Key gives the same card, also 20 times at once', async () => {
    const actor = user();
    const ask = () => service.ask('cards.issue', issueTo('Ana'), { actor, idempotencyKey: 'once' });
    const cards = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(cards.map((card) => JSON.stringify(card))).size).toBe(1);
    expect(await service.count('cards', 'company_id = $1', [actor.company_id])).toBe(1);
    expect(await ask()).toEqual(cards[0]);
  });

  it('with the same key and another request is refused; the key of somebody else is another key', async () => {
    const actor = user();
    await service.ask('cards.issue', issueTo('Ana'), { actor, idempotencyKey: 'mine' });
    expect(await codeOf(service.ask('cards.issue', issueTo('Eva'), { actor, idempotencyKey: 'mine' }))).toBe(
      'idempotency_mismatch',
    );
    const colleague = user('issuer', actor.company_id);
    expect(
      serialOf(await service.ask('cards.issue', issueTo('Eva'), { actor: colleague, idempotencyKey: 'mine' })),
    ).toBe(10_002);
  });

  it('by delivering the message again gives the same card', async () => {
    const call = delivery(user(), 'cards.issue');
    const { cards } = service.direct();
    const card = await cards.issue(issueTo('Ana'), call);
    expect(await cards.issue(issueTo('Ana'), call)).toEqual(card);
    expect(await service.history(card)).toEqual(['issued']);
  });
});
