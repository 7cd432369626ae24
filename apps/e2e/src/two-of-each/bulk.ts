import type { CardBulk } from '@puerta/contracts';
import { waitFor, type Puerta } from '@puerta/testing';
import { issueMany } from '../support/load';
import { administrator, expectStatus } from '../support/people';
import { query } from '../support/rows';
import { doubled } from '../support/shared-puerta';

/** Three steps of the job, the last one of a single card. */
const CARDS = 201;

let puerta: Puerta;

beforeAll(async () => {
  puerta = await doubled.start();
}, 120_000);

afterAll(() => query(puerta.database.url, 'DROP FUNCTION IF EXISTS public.slow CASCADE'));

it('changes every card exactly once, though replicas are killed in the middle', async () => {
  const { token, companyId } = await administrator(puerta.api());
  await issueMany(puerta, token, { commands: CARDS, callers: 16 });
  // Each step takes a fifth of a second longer, so that there is a middle.
  await query(
    puerta.database.url,
    `CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END'`,
  );
  await query(
    puerta.database.url,
    'CREATE TRIGGER slow AFTER UPDATE ON card_issuer.cards FOR EACH STATEMENT EXECUTE FUNCTION public.slow()',
  );
  const started = await puerta.api().post<CardBulk>('/cards/bulk', { action: 'suspend', filter: {} }, { token });
  const job = expectStatus(started, 202);
  expect(started.headers.get('location')).toBe(`/api/v1/cards/bulk/${job.job_id}`);
  const now = async () => expectStatus(await puerta.api().get<CardBulk>(`/cards/bulk/${job.job_id}`, { token }), 200);

  await waitFor(async () => (await now()).done > 0, 20_000);
  await Promise.all(puerta.replicas['card-issuer'].map((replica) => replica.kill()));
  // As if the ten seconds of the lease had passed, which nobody renews any more.
  const taken = await query(
    puerta.database.url,
    `UPDATE card_issuer.jobs SET lease_until = now() WHERE id = $1 AND state = 'running' AND done < total RETURNING id`,
    [job.job_id],
  );
  expect(taken).toHaveLength(1);
  await Promise.all(puerta.replicas['card-issuer'].map((replica) => replica.start()));
  const ended = await waitFor(
    async () => {
      const bulk = await now();
      return bulk.status === 'done' && bulk;
    },
    20_000,
    100,
  );
  expect(ended).toMatchObject({ done: CARDS, total: CARDS, changed: CARDS, error: null });
  const [row] = await query<{ suspended: number; lines: number; cards: number }>(
    puerta.database.url,
    `SELECT count(DISTINCT c.id) FILTER (WHERE c.status = 'suspended')::int AS suspended,
            count(e.id)::int AS lines, count(DISTINCT e.card_id)::int AS cards
       FROM card_issuer.cards c LEFT JOIN card_issuer.card_events e ON e.card_id = c.id AND e.kind = 'suspended'
      WHERE c.company_id = $1`,
    [companyId],
  );
  expect(row).toEqual({ suspended: CARDS, lines: CARDS, cards: CARDS });
}, 180_000);
