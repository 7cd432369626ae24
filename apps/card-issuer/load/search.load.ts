import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '@puerta/contracts';
import { dataSourceOptions, runMigrations } from '@puerta/database';
import { scaled } from '@puerta/testing';
import { DataSource } from 'typeorm';
import { TestCardIssuer, user } from '../test/card-issuer';
import { cardIssuer } from '../src/card-issuer';
import { searchQuery } from '../src/cards/card-search';
import { SearchRules1796000000000 } from '../src/migrations/1796000000000-search-rules';

/** Cards of one company. */
const CARDS = scaled(1_000_000);
/** Cards whose words are made anew. */
const FOLDED = scaled(200_000);

let service: TestCardIssuer;
/** As migrations connect: it waits for as long as it takes. */
let patient: DataSource;
let actor: Actor;
beforeAll(async () => {
  service = await TestCardIssuer.start();
  const options = { ...cardIssuer.database(service.config), applicationName: 'load', statementTimeoutMs: 0 };
  patient = await new DataSource(dataSourceOptions(options)).initialize();
  actor = user();
  await service.issue(actor, { holder: { name: 'Đorđe O’Connor' } });
  const index = 'CREATE INDEX cards_search_idx ON cards USING gin (array_to_tsvector(search_words))';
  await patient.query('DROP INDEX cards_search_idx');
  for (let first = 1; first <= CARDS; first += 5_000) await fill(first, Math.min(first + 4_999, CARDS));
  await patient.query(`SET maintenance_work_mem = '256MB'; ${index}; ANALYZE cards`);
}, 600_000);
afterAll(async () => {
  await patient?.destroy();
  await service?.stop();
});

/** Names of 100 first and 100 last names, folded, and a second last name that nobody else has. */
async function fill(first: number, last: number): Promise<void> {
  await patient.query(
    `INSERT INTO cards
     SELECT gen_random_uuid(), company_id, '97-' || (100000 + n), status, 'Copy', null, null, null,
       'Unit ' || n % 50, null, valid_until, issued_at, 1, code_salt, code_secret_id, sha256(('c' || n)::bytea),
       ARRAY[' 2', given, family, other, family || other, '97' || (100000 + n), given || n || '@examplecom',
         'v' || (10000000 + n), (10000000 + n)::text]
     FROM (SELECT * FROM cards ORDER BY id LIMIT 1) AS cards, generate_series($1::int, $2::int) AS n,
       LATERAL (SELECT
         (ARRAY['ange','lu','isi','dor','mar','jo','pe','so','ti','va'])[1 + n % 10]
           || (ARRAY['la','cja','ko','re','ta','na','dro','rin','mo','ne'])[1 + n / 10 % 10] AS given,
         (ARRAY['gar','pe','ro','mu','no','ka','li','sou','fer','be'])[1 + n / 100 % 10]
           || (ARRAY['cia','rez','jas','ller','ra','lic','ma','za','reira','llo'])[1 + n / 1000 % 10] AS family,
         (ARRAY['o','d','mc','al','van','de','san','ben','ibn','le'])[1 + n / 10000 % 10] || n AS other) AS names`,
    [first, last],
  );
}

async function timed<T>(work: () => Promise<T>): Promise<[ms: number, result: T]> {
  const started = performance.now();
  const result = await work();
  return [Math.round(10 * (performance.now() - started)) / 10, result];
}

async function planOf(q: string): Promise<string> {
  const rows = await service.database.query<{ 'QUERY PLAN': string }[]>(
    `EXPLAIN SELECT * FROM cards WHERE company_id = '${actor.company_id}'
       AND array_to_tsvector(search_words) @@ CAST('${searchQuery(q)?.replaceAll("'", "''")}' AS tsquery)
      ORDER BY CAST(id AS text) COLLATE "C" DESC LIMIT 21`,
  );
  return rows.map((row) => row['QUERY PLAN']).join(' ');
}

it('a card is found among many', async () => {
  const said: string[] = [`${CARDS} cards of one company`];
  for (const [q, rare] of [
    ["dorde o'connor", true],
    ["o'5000", true],
    ['V-10.005.000', true],
    ['nobody', true],
    ['isiko garcia', false],
    ['garcia', false],
    ['a', false],
    ['97-', false],
    ['a b c d e f g h i j k l m n o p', false],
  ] as const) {
    const times: number[] = [];
    let shown = 0;
    for (let i = 0; i < 5; i++) {
      const [took, { items }] = await timed(() => service.ask('cards.list', { q }, { actor }));
      times.push(took);
      shown = items.length;
    }
    const [total, counted] = await timed(() => service.ask('cards.list', { q, count: true }, { actor }));
    const index = /cards_\w+idx/.exec(await planOf(q))?.[0] ?? 'none';
    said.push(
      `${q}: ${times.sort((a, b) => a - b)[2]} ms, ${shown} shown of ${counted.total} (${total} ms), by ${index}`,
    );
    if (rare) expect(index).toBe('cards_search_idx');
  }
  process.stdout.write(`${said.join('\n')}\n`);
});

it('words are made anew while others issue cards', async () => {
  await patient.query('DELETE FROM migrations WHERE name = $1', [SearchRules1796000000000.name]);
  await patient.query('DROP INDEX cards_other_rules_idx');
  for (let from = 0; from < FOLDED; from += 5_000) {
    const some = `SELECT id FROM cards WHERE search_words @> '{" 2"}' LIMIT ${Math.min(5_000, FOLDED - from)}`;
    await patient.query(`UPDATE cards SET search_words = search_words[2:] WHERE id IN (${some})`);
  }
  let migrating = true;
  const waits: number[] = [];
  const migrated = timed(() => runMigrations(patient)).finally(() => (migrating = false));
  while (migrating) {
    waits.push((await timed(() => service.issue(actor)))[0]);
    await sleep(20);
  }
  const [ms] = await migrated;
  process.stdout.write(
    `${FOLDED} of ${CARDS} cards in ${ms} ms; meanwhile ${waits.length} issued, the slowest in ${Math.max(...waits)} ms\n`,
  );
  expect(await service.count('cards', `NOT search_words @> '{" 2"}'`)).toBe(0);
});
