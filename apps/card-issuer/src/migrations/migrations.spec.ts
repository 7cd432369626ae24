import { dataSourceOptions, runMigrations, violates } from '@puerta/database';
import { createDatabase, type TestDatabase } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { testConfig } from '../../test/card-issuer';
import { cardIssuer } from '../card-issuer';

let postgres: TestDatabase;
let database: DataSource;
beforeAll(async () => {
  postgres = await createDatabase();
  database = new DataSource(
    dataSourceOptions({ ...cardIssuer.database(testConfig(postgres.url)), applicationName: 'test' }),
  );
  await database.initialize();
  await runMigrations(database);
});
afterAll(async () => {
  await database?.destroy();
  await postgres?.drop();
});

/** All that there are. */
const TABLES = [
  'card_counters',
  'card_events',
  'cards',
  'inbox',
  'jobs',
  'migrations',
  'orphan_files',
  'outbox',
  'scans',
];

const tables = async (): Promise<string[]> => {
  const rows = await database.query<{ name: string }[]>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'card_issuer' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};

const CARD = {
  id: 'gen_random_uuid()',
  company_id: `'0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'`,
  number: `'26-10001'`,
  status: `'active'`,
  holder_name: `'Ana'`,
  issued_at: 'now()',
  revision: '1',
  code_salt: `'\\x${'00'.repeat(16)}'`,
  code_secret_id: `'k1'`,
  code_hash: `'\\x${'00'.repeat(32)}'`,
  search_words: `'{ana}'`,
};

const insert = (
  more: Partial<Record<keyof typeof CARD | 'holder_email' | 'holder_unit', string>> = {},
): Promise<unknown> => {
  const values = { ...CARD, ...more };
  return database.query(
    `INSERT INTO cards (${Object.keys(values).join(', ')}) VALUES (${Object.values(values).join(', ')})`,
  );
};

describe('the tables', () => {
  it('hold a whole card', async () => {
    await insert();
    expect(await database.query('SELECT 1 FROM cards')).toHaveLength(1);
  });

  const otherCode = { code_hash: `'\\x${'11'.repeat(32)}'` };
  const other = { number: `'26-10002'`, ...otherCode };

  it.each([
    ['cards_company_number_key', otherCode],
    ['cards_code_hash_key', { number: `'26-10002'` }],
    ['cards_number_check', { ...other, number: `'26-1'` }],
    ['cards_number_check', { ...other, number: `'26-010002'` }],
    ['cards_number_check', { ...other, number: `E'26-10002\\n'` }],
    ['cards_status_check', { ...other, status: `'expired'` }],
    ['cards_holder_check', { ...other, holder_name: `''` }],
    ['cards_holder_check', { ...other, holder_email: `repeat('x', 255)` }],
    ['cards_holder_check', { ...other, holder_unit: `repeat('ñ', 121)` }],
    ['cards_revision_check', { ...other, revision: '0' }],
    ['cards_code_check', { ...other, code_salt: `'\\x00'` }],
    ['cards_code_check', { ...other, code_hash: `'\\x00'` }],
  ])('refuse what breaks %s: %j', async (constraint, more) => {
    const error: unknown = await insert(more).catch((reason: unknown) => reason);
    expect(violates(error, constraint)).toBe(true);
  });

  it('hold nothing of a card that is not there', async () => {
    const scan = database.query('INSERT INTO scans VALUES (gen_random_uuid(), gen_random_uuid(), 1, now())');
    expect(violates(await scan.catch((reason: unknown) => reason), 'scans_card_fkey')).toBe(true);
  });
});

describe('the migrations', () => {
  it('can be undone and done again', async () => {
    const before = await tables();
    expect(before).toEqual([...TABLES].sort());
    for (let i = 0; i < database.migrations.length; i++) await database.undoLastMigration({ transaction: 'each' });
    expect(await tables()).toEqual(['migrations']);
    expect(await runMigrations(database)).toHaveLength(database.migrations.length);
    expect(await tables()).toEqual(before);
  });

  it('find nothing to do the second time', async () => {
    expect(await runMigrations(database)).toEqual([]);
  });
});
