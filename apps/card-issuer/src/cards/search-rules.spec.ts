import { runMigrations } from '@puerta/database';
import { TestCardIssuer, user } from '../../test/card-issuer';
import { SearchRules1796000000000 } from '../migrations/1796000000000-search-rules';
import { FIRST, foldAnew } from './search-rules';

let service: TestCardIssuer;
beforeAll(async () => {
  service = await TestCardIssuer.start();
});
afterAll(() => service?.stop());

const actor = user();
const found = async (q: string): Promise<string[]> =>
  (await service.ask('cards.list', { q, limit: 100 }, { actor })).items.map(({ holder }) => holder.name);
/** Cards with the words that the release before made of them. */
const before = (words: string, where: string, values: unknown[]): Promise<unknown> =>
  service.database.query(`UPDATE cards SET search_words = '${words}' WHERE ${where}`, values);

const copies = (count: number): Promise<unknown> =>
  service.database.query(
    `INSERT INTO cards SELECT gen_random_uuid(), company_id, '98-' || serial, status, 'Łucja ' || serial, null, null, null,
       null, null, valid_until, issued_at, revision, code_salt, code_secret_id, sha256((id::text || serial)::bytea), '{łucja}'
     FROM cards, generate_series(10001, 10000 + $2::int) AS serial WHERE company_id = $1 LIMIT $2`,
    [actor.company_id, count],
  );
const older = (): Promise<number> => service.count('cards', `NOT search_words @> '{" 2"}'`);

describe('words by other rules', () => {
  it('are made anew by the migration, all of them, also when it was broken off', async () => {
    const card = await service.issue(actor, { holder: { name: 'Đorđe O’Connor', email: 'd@example.com' } });
    await before('{đorđe,o’connor}', 'id = $1', [card.card_id]);
    await copies(1_200);
    expect([await found('dorde'), await found('lucja')]).toEqual([[], []]);
    // One batch, and then somebody ended it.
    await foldAnew(service.database.manager, FIRST);
    expect(await older()).toBe(701);

    await service.database.query('DELETE FROM migrations WHERE name = $1', [SearchRules1796000000000.name]);
    expect(await runMigrations(service.database)).toEqual([SearchRules1796000000000.name]);
    expect(await older()).toBe(0);
    expect(await found("dorde o'conn d@ex")).toEqual(['Đorđe O’Connor']);
    expect(await found('lucja 11200')).toEqual(['Łucja 11200']);
  });

  it('that a replica of the release before writes are made anew later', async () => {
    const card = await service.issue(actor, { holder: { name: 'Ana' } });
    await before('{işık}', `id = $1 AND (holder_name = 'Ana' OR TRUE)`, [card.card_id]);
    await service.database.query(`UPDATE cards SET holder_name = 'Işık' WHERE id = $1`, [card.card_id]);
    expect(await found('isik')).toEqual([]);
    expect(await foldAnew(service.database.manager, FIRST)).toBe(card.card_id);
    expect(await foldAnew(service.database.manager, FIRST)).toBeUndefined();
    expect(await found('isik')).toEqual(['Işık']);
  });

  it('are not made of what a card was before somebody corrected it', async () => {
    const card = await service.issue(actor, { holder: { name: 'Former Name' } });
    await before('{former}', 'id = $1', [card.card_id]);
    const em = service.database.manager;
    const query = jest.spyOn(em, 'query').mockImplementationOnce(async (...asked) => {
      const rows: unknown = await service.database.query(...(asked as [string, unknown[]]));
      await service.ask('cards.update', { card_id: card.card_id, holder: { name: 'Later Name' } }, { actor });
      return rows;
    });
    await foldAnew(em, FIRST);
    query.mockRestore();
    expect([await found('former'), await found('later')]).toEqual([[], ['Later Name']]);
  });

  it('are found by an index that holds nothing when there are none', async () => {
    await service.database.query('ANALYZE cards');
    const sql = `EXPLAIN SELECT id FROM cards WHERE NOT search_words @> '{" 2"}'::text[] AND id > '${FIRST}' ORDER BY id LIMIT 500`;
    expect(JSON.stringify(await service.database.query(sql))).toContain('cards_other_rules_idx');
  });
});
